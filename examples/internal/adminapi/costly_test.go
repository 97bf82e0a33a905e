package adminapi_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/auth/sqlstore"
	"github.com/latchkey-go/latchkey/keys"
)

// entangled returns n patterns of so many segments, each "*" or one of three names, that are costly to compare.
func entangled(random *rand.Rand, n, segments int) []string {
	var all []string
	for len(all) < n {
		pattern := make([]string, segments)
		for i := range pattern {
			if pattern[i] = "*"; random.IntN(3) == 0 {
				pattern[i] = string("abc"[random.IntN(3)])
			}
		}
		all = append(all, strings.Join(pattern, "/"))
	}
	return all
}

// send serves one request and returns its status.
func (h *host) send(method, path, key string, body any) (int, []byte) {
	text, err := json.Marshal(body)
	if err != nil {
		panic(err)
	}
	r := httptest.NewRequest(method, path, strings.NewReader(string(text)))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("api-key", key)
	w := httptest.NewRecorder()
	h.handler.ServeHTTP(w, r)
	return w.Code, w.Body.Bytes()
}

// attack sends requests that are costly to check: as a manager of roles, a role of entangled grants; as a user,
// scopes for a key of their own. It counts the answers by status.
func (h *host) attack(seed uint64, key string, user bool, counts *sync.Map) {
	random := rand.New(rand.NewPCG(seed, 1))
	var status int
	if user {
		scopes := entangled(random, 64, 14)
		for i := range scopes {
			scopes[i] = "content/" + scopes[i]
		}
		status, _ = h.send("POST", "/admin/me/key", key, map[string]any{"scopes": scopes})
	} else {
		grants := map[string]bool{}
		for _, pattern := range entangled(random, 300, 16) {
			grants[pattern] = random.IntN(2) == 0
		}
		status, _ = h.send("POST", "/admin/roles", key, map[string]any{"appid": fmt.Sprint("r", seed), "permissions": grants})
	}
	n, _ := counts.LoadOrStore(status, new(atomic.Int64))
	n.(*atomic.Int64).Add(1)
}

// TestNoCallerKeepsOthersFromManagingKeys runs six callers that send costly requests all the time. An administrator
// invalidates keys in parallel, and others make keys at no less than half the rate that they reach beside six
// goroutines that only burn CPU.
func TestNoCallerKeepsOthersFromManagingKeys(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	rounds, spell, slowest := 2, 500*time.Millisecond, 5*time.Second
	long := os.Getenv("LATCHKEY_LONG") != ""
	if long {
		rounds, spell, slowest = 5, 4*time.Second, time.Second
	}
	each(t, func(t *testing.T, open func() *sqlstore.Store) {
		h := newHost(t, inSQL(open()), false)
		key := func(k keys.Custom) string {
			issued, err := h.ring.IssueCustom(t.Context(), k)
			require.NoError(t, err)
			return issued.Key.Reveal()
		}
		root := key(keys.Custom{Name: "root", Role: "admin"})
		var attackers []string
		for range 3 {
			attackers = append(attackers, key(keys.Custom{Name: "roles", Role: "admin", Scopes: []string{"app/roles/manage"}}))
		}
		for _, user := range []string{"ada", "bob", "root"} {
			issued, err := h.ring.IssueUser(t.Context(), user, keys.User{Scopes: []string{"content/**"}})
			require.NoError(t, err)
			attackers = append(attackers, issued.Key.Reveal())
		}

		// beside runs load in six goroutines. It returns how many keys two clients made in that time, and how long
		// each invalidation took.
		beside := func(load func(i int, n uint64)) (made int64, took []time.Duration) {
			var running sync.WaitGroup
			var over atomic.Bool
			var writes atomic.Int64
			for i := range 6 {
				running.Go(func() {
					for n := uint64(0); !over.Load(); n++ {
						load(i, n)
					}
				})
			}
			for range 2 {
				running.Go(func() {
					for !over.Load() {
						if status, _ := h.send("POST", "/admin/keys", root, map[string]any{"name": "some", "role": "viewer"}); status == 201 {
							writes.Add(1)
						}
					}
				})
			}
			for began := time.Now(); time.Since(began) < spell; {
				status, body := h.send("POST", "/admin/keys", root, map[string]any{"name": "leaked", "role": "viewer"})
				require.Equal(t, 201, status, "%s", body)
				var made struct{ ID string }
				require.NoError(t, json.Unmarshal(body, &made))
				began := time.Now()
				status, body = h.send("POST", "/admin/keys/"+made.ID+"/invalidate", root, map[string]any{})
				took = append(took, time.Since(began))
				require.Equal(t, 200, status, "%s", body)
			}
			over.Store(true)
			running.Wait()
			return writes.Load(), took
		}

		var sink atomic.Uint64
		burn := func(_ int, n uint64) {
			for range 1_000_000 {
				n = n*6364136223846793005 + 1442695040888963407
			}
			sink.Add(n)
		}
		var counts sync.Map
		attack := func(i int, n uint64) { h.attack(n<<3|uint64(i), attackers[i], i >= 3, &counts) }
		var quiet, attacked int64
		var took []time.Duration
		for range rounds { // in turns, since the machine may have other work
			made, _ := beside(burn)
			quiet += made
			made, each := beside(attack)
			attacked += made
			took = append(took, each...)
		}
		slices.Sort(took)
		p99 := took[len(took)*99/100]
		counts.Range(func(status, n any) bool { t.Logf("answers %v: %d", status, n.(*atomic.Int64).Load()); return true })
		t.Logf("%d keys made beside burners, %d beside attackers; invalidating: %d times, median %v, p99 %v",
			quiet, attacked, len(took), took[len(took)/2], p99)
		counts.Range(func(status, _ any) bool {
			require.Contains(t, []any{http.StatusForbidden, http.StatusUnprocessableEntity, http.StatusTooManyRequests, http.StatusBadRequest, http.StatusConflict}, status)
			return true
		})
		require.LessOrEqual(t, p99, slowest)
		if long {
			require.GreaterOrEqual(t, attacked, quiet/2)
		} else {
			require.NotZero(t, attacked)
		}
	})
}
