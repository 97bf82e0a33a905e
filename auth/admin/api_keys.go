package admin

import (
	"net/http"
	"net/netip"
	"time"

	"github.com/latchkey-go/latchkey/auth"
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
	if rec.Kind == keys.CustomKey {
		shown.Role = &rec.Role
	}
	return shown
}

// issuedJSON is the one answer that holds a key.
type issuedJSON struct {
	keyJSON
	Key string `json:"key"`
}

// A page is one part of a list.
type page[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next,omitempty"` // where the next page begins; absent after the last
}

func (a *api) keyRoutes() {
	a.handle("GET /keys", a.listKeys)
	a.handle("POST /keys", a.createKey)
	a.handle("GET /keys/{id}", a.getKey)
	a.handle("PATCH /keys/{id}", a.patchKey)
	a.handle("DELETE /keys/{id}", a.removeKey)
	a.handle("POST /keys/{id}/refresh", a.refreshKey)
	for name, do := range map[string]func(*http.Request, auth.Principal, string, string) (keys.Record, error){
		"disable": func(r *http.Request, p auth.Principal, id, match string) (keys.Record, error) {
			return a.DisableKey(r.Context(), p, id, match)
		},
		"enable": func(r *http.Request, p auth.Principal, id, match string) (keys.Record, error) {
			return a.EnableKey(r.Context(), p, id, match)
		},
		"invalidate": func(r *http.Request, p auth.Principal, id, match string) (keys.Record, error) {
			return a.InvalidateKey(r.Context(), p, id, match)
		},
	} {
		a.handle("POST /keys/{id}/"+name, func(w http.ResponseWriter, r *http.Request, p auth.Principal) error {
			if _, err := decode(w, r, true, nil); err != nil {
				return err
			}
			match, err := match(r)
			if err != nil {
				return err
			}
			rec, err := do(r, p, r.PathValue("id"), match)
			if err != nil {
				return err
			}
			return showKey(w, &rec)
		})
	}
}

func showKey(w http.ResponseWriter, rec *keys.Record) error {
	setETag(w, KeyRevision(rec))
	return answer(w, http.StatusOK, keyAsJSON(rec))
}

// showIssued answers with the value of a key, here and nowhere else.
func showIssued(w http.ResponseWriter, status int, issued *keys.Issued) error {
	setETag(w, KeyRevision(&issued.Record))
	w.Header().Set("Cache-Control", "no-store")
	return answer(w, status, issuedJSON{keyAsJSON(&issued.Record), issued.Key.Reveal()})
}

func (a *api) listKeys(w http.ResponseWriter, r *http.Request, p auth.Principal) error {
	q, err := query(r, "kind", "user", "role", "state", "q", "after", "limit")
	if err != nil {
		return err
	}
	f := KeyFilter{Kind: keys.Kind(q.Get("kind")), UserID: q.Get("user"), Role: q.Get("role"),
		State: keys.State(q.Get("state")), Text: q.Get("q"), After: q.Get("after")}
	if f.Limit, err = limit(q); err != nil {
		return err
	}
	found, next, err := a.Keys(r.Context(), p, f)
	if err != nil {
		return err
	}
	list := page[keyJSON]{Items: []keyJSON{}, Next: next}
	for i := range found {
		list.Items = append(list.Items, keyAsJSON(&found[i]))
	}
	return answer(w, http.StatusOK, list)
}

// keyBody is what people write about a key.
type keyBody struct {
	name, role string
	scopes     []string
	allowed    []network
	ttl        int64
	expiresAt  time.Time
}

func (b *keyBody) fields() map[string]field {
	return map[string]field{"name": text(&b.name), "role": textOrNull(&b.role), "scopes": texts(&b.scopes),
		"allowed_ips": networks(&b.allowed), "ttl": seconds(&b.ttl), "expires_at": instant(&b.expiresAt)}
}

func (b *keyBody) networks() []netip.Prefix {
	var all []netip.Prefix
	for _, n := range b.allowed {
		all = append(all, n.Prefix)
	}
	return all
}

func (a *api) createKey(w http.ResponseWriter, r *http.Request, p auth.Principal) error {
	var b keyBody
	there, err := decode(w, r, false, b.fields())
	if err != nil {
		return err
	}
	at, err := expiry(there, b.ttl, b.expiresAt)
	if err != nil {
		return err
	}
	issued, err := a.CreateKey(r.Context(), p, keys.Custom{
		Name: b.name, Role: b.role, Scopes: b.scopes, AllowedIPs: b.networks(), ExpiresAt: at,
	})
	if err != nil {
		return err
	}
	w.Header().Set("Location", "keys/"+issued.Record.ID)
	return showIssued(w, http.StatusCreated, &issued)
}

func (a *api) getKey(w http.ResponseWriter, r *http.Request, p auth.Principal) error {
	rec, err := a.Key(r.Context(), p, r.PathValue("id"))
	if err != nil {
		return err
	}
	return showKey(w, &rec)
}

func (a *api) patchKey(w http.ResponseWriter, r *http.Request, p auth.Principal) error {
	var b keyBody
	there, err := decode(w, r, false, b.fields())
	if err != nil {
		return err
	}
	at, err := expiry(there, b.ttl, b.expiresAt)
	if err != nil {
		return err
	}
	match, err := match(r)
	if err != nil {
		return err
	}
	rec, err := a.UpdateKey(r.Context(), p, r.PathValue("id"), match, func(set *keys.Settings) error {
		for name, put := range map[string]func(){
			"name": func() { set.Name = b.name }, "role": func() { set.Role = b.role },
			"scopes": func() { set.Scopes = b.scopes }, "allowed_ips": func() { set.AllowedIPs = b.networks() },
			"ttl": func() { set.ExpiresAt = at }, "expires_at": func() { set.ExpiresAt = at },
		} {
			if there[name] {
				put()
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return showKey(w, &rec)
}

func (a *api) removeKey(w http.ResponseWriter, r *http.Request, p auth.Principal) error {
	match, err := match(r)
	if err != nil {
		return err
	}
	if err := a.RemoveKey(r.Context(), p, r.PathValue("id"), match); err != nil {
		return err
	}
	return nothing(w)
}

func (a *api) refreshKey(w http.ResponseWriter, r *http.Request, p auth.Principal) error {
	rn, match, err := renewal(w, r)
	if err != nil {
		return err
	}
	issued, err := a.RefreshKey(r.Context(), p, r.PathValue("id"), match, rn)
	if err != nil {
		return err
	}
	return showIssued(w, http.StatusOK, &issued)
}

// renewal reads how a key is to be refreshed. The body may be left out.
func renewal(w http.ResponseWriter, r *http.Request) (rn keys.Renewal, tag string, err error) {
	var overlap, most, ttl int64
	var at time.Time
	there, err := decode(w, r, true, map[string]field{"overlap": seconds(&overlap), "overlap_cap": seconds(&most),
		"leaked": flag(&rn.Leaked), "ttl": seconds(&ttl), "expires_at": instant(&at)})
	if err != nil {
		return rn, "", err
	}
	for name, n := range map[string]int64{"overlap": overlap, "overlap_cap": most} {
		if n < 0 || n > maxTTL {
			return rn, "", &InputError{name, "is out of bounds"}
		}
	}
	rn.Overlap, rn.OverlapCap = time.Duration(overlap)*time.Second, time.Duration(most)*time.Second
	if rn.ExpiresAt, err = expiry(there, ttl, at); err != nil {
		return rn, "", err
	}
	tag, err = match(r)
	return rn, tag, err
}
