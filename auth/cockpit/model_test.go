package cockpit_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A doc is a document as tests make it up.
type doc = map[string]any

// A madeUp Cockpit is random, and as odd as storage can be.
type madeUp struct {
	Roles []doc `json:"roles"`
	Users []doc `json:"users"`
	Keys  []doc `json:"api_keys"`
}

var (
	permissions = []string{
		"content/a/read", "content/a/create", "content/b/read", "content/b/update", "content/:models/manage", "app/logs",
	}
	appids = []string{"web", "editor", "Editor", "user", "gone", "admin"}
)

func pick[T any](rnd *rand.Rand, from ...T) T { return from[rnd.IntN(len(from))] }

func makeUp(rnd *rand.Rand) madeUp {
	var m madeUp
	for _, appid := range []string{"web", "editor", "Editor", "user", "admin"} {
		if rnd.IntN(3) == 0 {
			continue
		}
		grants := doc{}
		for _, p := range permissions {
			if rnd.IntN(2) == 0 {
				grants[p] = pick[any](rnd, true, true, true, true, 1, "yes", false, nil, 0)
			}
		}
		if rnd.IntN(4) == 0 {
			grants[pick(rnd, "content/*/read", "content/**", "a//b")] = true
		}
		role := doc{"_id": "role-" + appid, "appid": appid, "permissions": grants}
		if len(grants) == 0 {
			role["permissions"] = pick[any](rnd, []any{}, nil)
		}
		m.Roles = append(m.Roles, role)
	}
	rnd.Shuffle(len(m.Roles), func(i, j int) { m.Roles[i], m.Roles[j] = m.Roles[j], m.Roles[i] })
	text := func(prefix string) string {
		return prefix + fmt.Sprintf("%016x%016x%08x", rnd.Uint64(), rnd.Uint64(), rnd.Uint32())
	}
	role := func() any {
		return pick[any](rnd, pick(rnd, appids...), pick(rnd, appids...), "web", "user", pick[any](rnd, nil, "", 7))
	}
	var used []string
	for i := range 1 + rnd.IntN(6) {
		u := doc{"_id": fmt.Sprint("u", i), "user": fmt.Sprint("user", i), "role": role(), "active": pick[any](rnd, true, true, true, true, true, true, true, false, nil, 1)}
		if rnd.IntN(5) > 0 {
			key := text("USR-")
			if used != nil && rnd.IntN(4) == 0 {
				key = pick(rnd, used...)
			}
			used = append(used, key)
			u["apiKey"] = key
		}
		m.Users = append(m.Users, u)
	}
	for i := range 1 + rnd.IntN(6) {
		key := pick(rnd, text("API-"), text("API-"), text("API-"), text("API-"), text("API-"), "der Schlüssel "+text(""), strconv.Itoa(10000+rnd.IntN(90000)), text("API-")+",x", text("USR-"))
		k := doc{"_id": fmt.Sprint("k", i), "key": key, "role": role()}
		if rnd.IntN(4) > 0 {
			k["name"] = fmt.Sprint("key", i)
		}
		m.Keys = append(m.Keys, k)
	}
	if rnd.IntN(3) > 0 {
		m.Keys = append(m.Keys, doc{"_id": "p", "key": "public", "role": role()})
	}
	return m
}

// truthy is PHP's idea of it.
func truthy(v any) bool { return v != nil && v != false && v != 0 && v != "" && v != "0" }

// cockpitSays is how Cockpit answers a caller with this key, spelt from the facts and not from the importer: 412, 403 or
// 200. It also returns what may be different here on purpose (section 11 of the facts).
func (m *madeUp) cockpitSays(key, permission string) (status int, odd bool) {
	role, known := any(nil), false
	switch {
	case strings.HasPrefix(key, "USR-"):
		for _, u := range m.Users {
			if u["apiKey"] == key {
				role, known = u["role"], true
				odd = u["active"] != true // an inactive user is refused
				break
			}
		}
	default:
		lookFor := key
		if key == "" {
			lookFor = "public"
		}
		for _, k := range m.Keys {
			if k["key"] == lookFor {
				role, known = k["role"], true
				break
			}
		}
		odd = strings.Contains(key, ",") // an oddly spelt credential is refused
	}
	if !known {
		return http.StatusPreconditionFailed, false
	}
	if role == "admin" {
		return http.StatusOK, odd || key == "" // the super role is never public
	}
	for _, r := range m.Roles {
		if r["appid"] == role {
			grants, _ := r["permissions"].(doc)
			if truthy(grants[permission]) {
				return http.StatusOK, odd || grants[permission] != true // only true grants
			}
		}
	}
	return http.StatusForbidden, odd
}

// caseless reports whether role differs from another one only in case, and comes behind it: it is not taken.
func (m *madeUp) caseless(role any) bool {
	text, _ := role.(string)
	for _, r := range m.Roles {
		if appid, _ := r["appid"].(string); strings.EqualFold(appid, text) {
			return appid != text
		}
	}
	return false
}

func (m *madeUp) roleOf(key string) any {
	for _, d := range slices.Concat(m.Users, m.Keys) {
		if key == "" && d["key"] == "public" || key != "" && (d["apiKey"] == key || d["key"] == key) {
			return d["role"]
		}
	}
	return nil
}

// No caller gets more than from Cockpit, nor less but for the reasons that the facts give.
func TestAGuardDecidesAsCockpitDid(t *testing.T) {
	rounds := 100
	if os.Getenv("LATCHKEY_LONG") != "" {
		rounds = 20_000
	}
	seed := rand.Uint64()
	if text := os.Getenv("LATCHKEY_SEED"); text != "" {
		var err error
		seed, err = strconv.ParseUint(text, 10, 64)
		require.NoError(t, err)
	}
	t.Logf("seed: LATCHKEY_SEED=%d", seed)
	rnd := rand.New(rand.NewPCG(seed, 1))
	same, less := map[int]int{}, 0
	for range rounds {
		m := makeUp(rnd)
		text, err := json.Marshal(m)
		require.NoError(t, err)
		w := newWorld(t)
		s := read(t, string(text))
		w.Catalog = nil
		w.Acknowledge = m.publicGrants()
		w.bring(t, s)
		w.bring(t, s)
		server := w.server(t)
		shown := []string{"", "unknown", "USR-unknown", "public"}
		for _, d := range slices.Concat(m.Users, m.Keys) {
			for _, member := range []string{"apiKey", "key"} {
				if key, ok := d[member].(string); ok {
					shown = append(shown, key)
				}
			}
		}
		for _, key := range shown {
			for _, permission := range permissions {
				want, odd := m.cockpitSays(key, permission)
				got := ask(server, key, permission)
				switch {
				case key == "public": // a word that Cockpit takes for a key
					require.Equal(t, http.StatusUnauthorized, got)
				case got == here(key, want):
					same[want]++
				case got != http.StatusOK && (odd || m.caseless(m.roleOf(key))):
					less++
				default:
					t.Fatalf("%s for %q: Cockpit says %d, the guard %d\n%s", permission, key, want, got, text)
				}
			}
		}
	}
	t.Logf("as Cockpit: %v; less: %d", same, less)
	for _, status := range []int{http.StatusOK, http.StatusForbidden, http.StatusPreconditionFailed} {
		require.Greater(t, same[status], rounds, status)
	}
}

// here is the status that stands for Cockpit's.
func here(key string, status int) int {
	if status == http.StatusPreconditionFailed || status == http.StatusForbidden && key == "" {
		return http.StatusUnauthorized
	}
	return status
}

// publicGrants is what an owner acknowledges who wants the public role as it is.
func (m *madeUp) publicGrants() (all []string) {
	for _, r := range m.Roles {
		if r["appid"] != m.roleOf("") {
			continue
		}
		grants, _ := r["permissions"].(doc)
		for _, p := range permissions {
			if grants[p] == true {
				all = append(all, p)
			}
		}
	}
	return all
}
