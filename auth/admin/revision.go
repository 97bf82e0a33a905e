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

// A Tag names one state of an object; see [Revision]. A change that is given one is done only in that state, else the
// error is [ErrChanged]. "" is any state.
type Tag string

// Revision returns the tag of the state that a caller decides about. A key's covers its settings, value and state, but
// neither its uses nor the end of an old value; a role's, its content.
func Revision[T *keys.Record | roles.Role | publicapi.Setting](of T) Tag {
	sum := sha256.New()
	switch x := any(of).(type) {
	case publicapi.Setting:
		return Tag(x.Revision.String())
	case *keys.Record:
		fmt.Fprintf(sum, "%q %q %q %q %v %q", x.ID, x.Name, x.Role, x.Scopes, x.AllowedIPs, x.Hint)
		for _, at := range []time.Time{x.RefreshedAt, x.ExpiresAt, x.DisabledAt, x.InvalidatedAt} {
			fmt.Fprint(sum, " ", at.UnixMicro())
		}
	case roles.Role:
		text, err := json.Marshal(x)
		if err != nil { // texts and booleans always encode
			return ""
		}
		sum.Write(text)
	}
	return Tag(hex.EncodeToString(sum.Sum(nil)[:16]))
}
