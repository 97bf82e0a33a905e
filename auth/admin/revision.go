package admin

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"github.com/latchkey-go/latchkey/keys"
	"github.com/latchkey-go/latchkey/publicapi"
	"github.com/latchkey-go/latchkey/roles"
)

// KeyRevision names the state of a key's record, as far as somebody decides about it: its settings, its value and its
// state. Uses, and an old value that runs out, make no other one.
func KeyRevision(rec *keys.Record) string {
	sum := sha256.New()
	fmt.Fprintf(sum, "%q %q %q %q %v %q", rec.ID, rec.Name, rec.Role, rec.Scopes, rec.AllowedIPs, rec.Hint)
	for _, at := range []time.Time{rec.RefreshedAt, rec.ExpiresAt, rec.DisabledAt, rec.InvalidatedAt} {
		fmt.Fprint(sum, " ", at.UnixMicro())
	}
	return hex.EncodeToString(sum.Sum(nil)[:16])
}

// RoleRevision names the content of a role.
func RoleRevision(role roles.Role) string {
	text, err := json.Marshal(role)
	if err != nil { // texts and booleans always encode
		return ""
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:16])
}

// SettingRevision names the state of the public API's setting.
func SettingRevision(setting publicapi.Setting) string {
	return setting.Revision.String()
}
