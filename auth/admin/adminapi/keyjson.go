package adminapi

import (
	"net/http"
	"net/netip"
	"time"

	"github.com/latchkey-go/latchkey/auth/admin"
	"github.com/latchkey-go/latchkey/keys"
)

// keyJSON is a key's record as the API shows it: never with a digest.
type keyJSON struct {
	ID            string         `json:"id"`
	Kind          keys.Kind      `json:"kind"`
	Name          string         `json:"name"`
	Hint          string         `json:"hint"`
	User          string         `json:"user,omitempty"`
	Role          *string        `json:"role,omitempty"` // of a custom key, "" included
	Scopes        []string       `json:"scopes"`
	AllowedIPs    []netip.Prefix `json:"allowed_ips"`
	State         keys.State     `json:"state"`
	Generation    uint64         `json:"generation"`
	CreatedAt     time.Time      `json:"created_at"`
	CreatedBy     string         `json:"created_by,omitempty"`
	RefreshedAt   *time.Time     `json:"refreshed_at,omitempty"`
	ExpiresAt     *time.Time     `json:"expires_at,omitempty"`
	DisabledAt    *time.Time     `json:"disabled_at,omitempty"`
	InvalidatedAt *time.Time     `json:"invalidated_at,omitempty"`
	LastUsedAt    *time.Time     `json:"last_used_at,omitempty"`
	OldValueUntil *time.Time     `json:"old_value_until,omitempty"` // after a refresh with overlap
	Imported      bool           `json:"imported,omitempty"`
	Weak          bool           `json:"weak,omitempty"`
}

func keyAsJSON(rec *keys.Record) keyJSON {
	at := func(t time.Time) *time.Time {
		if t.IsZero() {
			return nil
		}
		return &t
	}
	shown := keyJSON{
		ID: rec.ID, Kind: rec.Kind, Name: rec.Name, Hint: rec.Hint, User: rec.UserID,
		Scopes: append([]string{}, rec.Scopes...), AllowedIPs: append([]netip.Prefix{}, rec.AllowedIPs...),
		State: rec.State(time.Now()), Generation: rec.Generation, CreatedAt: rec.CreatedAt, CreatedBy: rec.CreatedBy,
		RefreshedAt: at(rec.RefreshedAt), ExpiresAt: at(rec.ExpiresAt), DisabledAt: at(rec.DisabledAt),
		InvalidatedAt: at(rec.InvalidatedAt), LastUsedAt: at(rec.LastUsedAt), OldValueUntil: at(rec.PreviousUntil),
		Imported: rec.Legacy, Weak: rec.Weak,
	}
	if rec.Kind == keys.KindCustom {
		shown.Role = &rec.Role
	}
	return shown
}

// issuedJSON is the one answer that holds a key.
type issuedJSON struct {
	keyJSON
	Key string `json:"key"`
}

func showKey(w http.ResponseWriter, rec *keys.Record) error {
	setETag(w, admin.Revision(rec))
	return answer(w, http.StatusOK, keyAsJSON(rec))
}

// showIssued answers with the value of a key, here and nowhere else.
func showIssued(w http.ResponseWriter, status int, issued *keys.Issued) error {
	setETag(w, admin.Revision(&issued.Record))
	w.Header().Set("Cache-Control", "no-store")
	return answer(w, status, issuedJSON{keyAsJSON(&issued.Record), issued.Key.Reveal()})
}
