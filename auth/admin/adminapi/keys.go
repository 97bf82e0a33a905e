package adminapi

import (
	"cmp"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/auth/admin"
	"github.com/latchkey-go/latchkey/keys"
)

// keyJSON is a key's record in an answer: never with a digest.
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
	RefreshedAt   time.Time      `json:"refreshed_at,omitzero"`
	ExpiresAt     time.Time      `json:"expires_at,omitzero"`
	DisabledAt    time.Time      `json:"disabled_at,omitzero"`
	InvalidatedAt time.Time      `json:"invalidated_at,omitzero"`
	LastUsedAt    time.Time      `json:"last_used_at,omitzero"`
	OldValueUntil time.Time      `json:"old_value_until,omitzero"` // after a refresh with overlap
	Imported      bool           `json:"imported,omitempty"`
	Weak          bool           `json:"weak,omitempty"`
}

func keyAsJSON(rec *keys.Record) keyJSON {
	shown := keyJSON{
		ID: rec.ID, Kind: rec.Kind, Name: rec.Name, Hint: rec.Hint, User: rec.UserID,
		Scopes: append([]string{}, rec.Scopes...), AllowedIPs: append([]netip.Prefix{}, rec.AllowedIPs...),
		State: rec.State(time.Now()), Generation: rec.Generation, CreatedAt: rec.CreatedAt, CreatedBy: rec.CreatedBy,
		RefreshedAt: rec.RefreshedAt, ExpiresAt: rec.ExpiresAt, DisabledAt: rec.DisabledAt,
		InvalidatedAt: rec.InvalidatedAt, LastUsedAt: rec.LastUsedAt, OldValueUntil: rec.PreviousUntil,
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

// showKey answers with a key's record, unless the operation failed.
func showKey(w http.ResponseWriter, rec *keys.Record, err error) error {
	if err != nil {
		return err
	}
	setETag(w, admin.Revision(rec))
	return answer(w, http.StatusOK, keyAsJSON(rec))
}

// showIssued answers with the value of a key, here and nowhere else, unless the operation failed.
func showIssued(w http.ResponseWriter, status int, issued *keys.Issued, err error) error {
	if err != nil {
		return err
	}
	setETag(w, admin.Revision(&issued.Record))
	w.Header().Set("Cache-Control", "no-store")
	return answer(w, status, issuedJSON{keyAsJSON(&issued.Record), issued.Key.Reveal()})
}

func (a *api) listKeys(w http.ResponseWriter, r *http.Request, p auth.Principal) error {
	q := r.URL.Query()
	limit, err := limit(q)
	if err != nil {
		return err
	}
	f := keys.Filter{Kind: keys.Kind(q.Get("kind")), UserID: q.Get("user"), Role: q.Get("role"),
		State: keys.State(q.Get("state")), After: q.Get("after"), Limit: limit}
	found, next, err := a.Keys(r.Context(), p, f, q.Get("q"))
	return show(w, page[keyJSON]{eachOf(found, keyAsJSON), next}, err)
}

// keyBody is the settings of a key in a body.
type keyBody struct {
	name      string
	role      *string // nil is none
	scopes    []string
	allowed   []network
	ttl       int64
	expiresAt time.Time
}

// read reads the body of a request; fields are b's.
func (b *keyBody) read(w http.ResponseWriter, r *http.Request, optional bool, fields map[string]field) (there map[string]bool, err error) {
	if there, err = decode(w, r, optional, fields); err == nil {
		b.expiresAt, err = expiry(there, b.ttl, b.expiresAt)
	}
	return there, err
}

func (b *keyBody) fields() map[string]field {
	return map[string]field{"name": text(&b.name), "role": {&b.role, "a text", true}, "scopes": texts(&b.scopes),
		"allowed_ips": networks(&b.allowed), "ttl": seconds(&b.ttl), "expires_at": instant(&b.expiresAt)}
}

// custom returns the role of a custom key. A custom key has a name, and a role or, if the body says so with null, none.
// An empty text is refused: more likely a form field was not filled in.
func (b *keyBody) custom(there map[string]bool) (role string, err error) {
	if b.role != nil {
		if role = *b.role; role == "" {
			err = invalid("role", "must be the appid of a role, or null for none")
		}
	}
	if there["name"] && strings.TrimSpace(b.name) == "" {
		err = invalid("name", "must not be empty")
	}
	return role, err
}

func (b *keyBody) networks() []netip.Prefix {
	return eachOf(b.allowed, func(n *network) netip.Prefix { return n.Prefix })
}

func (a *api) createKey(w http.ResponseWriter, r *http.Request, p auth.Principal) error {
	var b keyBody
	there, err := b.read(w, r, false, b.fields())
	missing := needs(there, "name", "role")
	role, wrong := b.custom(there)
	if err := cmp.Or(err, missing, wrong); err != nil {
		return err
	}
	issued, err := a.CreateKey(r.Context(), p, keys.Custom{
		Name: b.name, Role: role, Scopes: b.scopes, AllowedIPs: b.networks(), ExpiresAt: b.expiresAt,
	})
	if err != nil {
		return err
	}
	w.Header().Set("Location", "keys/"+issued.Record.ID)
	return showIssued(w, http.StatusCreated, &issued, nil)
}

func (a *api) getKey(w http.ResponseWriter, r *http.Request, p auth.Principal) error {
	rec, err := a.Key(r.Context(), p, r.PathValue("id"))
	return showKey(w, &rec, err)
}

func (a *api) patchKey(w http.ResponseWriter, r *http.Request, p auth.Principal) error {
	var b keyBody
	there, err := b.read(w, r, false, b.fields())
	match, unmet := match(r)
	if err := cmp.Or(err, unmet); err != nil {
		return err
	}
	id := r.PathValue("id")
	role, wrong := b.custom(there)
	if wrong != nil {
		if rec, err := a.Key(r.Context(), p, id); err != nil || rec.Kind == keys.KindCustom {
			return cmp.Or(err, wrong)
		}
	}
	rec, err := a.UpdateKey(r.Context(), p, id, match, func(set *keys.Settings) error {
		for name, put := range map[string]func(){
			"name": func() { set.Name = b.name }, "role": func() { set.Role = role },
			"scopes": func() { set.Scopes = b.scopes }, "allowed_ips": func() { set.AllowedIPs = b.networks() },
			"ttl": func() { set.ExpiresAt = b.expiresAt }, "expires_at": func() { set.ExpiresAt = b.expiresAt },
		} {
			if there[name] {
				put()
			}
		}
		return nil
	})
	return showKey(w, &rec, err)
}

func (a *api) removeKey(r *http.Request, p auth.Principal, match admin.Tag) error {
	return a.RemoveKey(r.Context(), p, r.PathValue("id"), match)
}

// setKey serves a change that needs nothing but the key. The body may be left out.
func (a *api) setKey(to keys.State) operation {
	return func(w http.ResponseWriter, r *http.Request, p auth.Principal) error {
		_, err := decode(w, r, true, nil)
		match, unmet := match(r)
		if err := cmp.Or(err, unmet); err != nil {
			return err
		}
		rec, err := a.SetKeyState(r.Context(), p, r.PathValue("id"), match, to)
		return showKey(w, &rec, err)
	}
}

func (a *api) refreshKey(w http.ResponseWriter, r *http.Request, p auth.Principal) error {
	rn, match, err := renewal(w, r)
	if err != nil {
		return err
	}
	issued, err := a.RefreshKey(r.Context(), p, r.PathValue("id"), match, rn)
	return showIssued(w, http.StatusOK, &issued, err)
}

// renewal reads how a key is to be refreshed. The body may be left out.
func renewal(w http.ResponseWriter, r *http.Request) (rn keys.Renewal, tag admin.Tag, err error) {
	var overlap, most, ttl int64
	var at time.Time
	there, err := decode(w, r, true, map[string]field{"overlap": seconds(&overlap), "overlap_cap": seconds(&most),
		"leaked": flag(&rn.Leaked), "ttl": seconds(&ttl), "expires_at": instant(&at)})
	if err != nil {
		return rn, "", err
	}
	for name, n := range map[string]int64{"overlap": overlap, "overlap_cap": most} {
		if n < 0 || n > maxTTL {
			return rn, "", invalid(name, "is out of bounds")
		}
	}
	rn.Overlap, rn.OverlapCap = time.Duration(overlap)*time.Second, time.Duration(most)*time.Second
	if rn.ExpiresAt, err = expiry(there, ttl, at); err != nil {
		return rn, "", err
	}
	tag, err = match(r)
	return rn, tag, err
}
