package auth_test

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"hash/crc32"
	"net/http"
	"strings"
	"sync/atomic"
	"time"
	"unsafe"
)

// limit is the least that hand-written code can do for the same work: one header, checksum, SHA-256, a Go map, a
// constant-time comparison, second credentials, expiry, last use, one permission, the principal in the context, Vary and
// Cache-Control. It is for one store that never changes, and knows no users, scopes, networks, legacy keys, observers or
// faults.
type limit struct {
	keys  map[[32]byte]*limitKey
	roles map[string]map[string]bool
	next  http.Handler
	need  string
}

type limitKey struct {
	digest  [32]byte
	role    string
	expires int64 // Unix seconds; 0 is never
	used    atomic.Int64
}

// limitContext is the context and the request that carries it in one allocation.
type limitContext struct {
	context.Context
	key     *limitKey
	request http.Request
}

type limitPrincipal struct{}

func (c *limitContext) Value(key any) any {
	if _, ok := key.(limitPrincipal); ok {
		return c.key
	}
	return c.Context.Value(key)
}

var (
	limitVary    = []string{"Api-Key, Authorization"}
	limitNoStore = []string{"no-store"}
)

func (l *limit) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := r.Header
	shown := h["Api-Key"]
	if len(shown) != 1 || h["Authorization"] != nil || h["Api_key"] != nil || h["X-Api-Key"] != nil || r.URL.RawQuery != "" && strings.Contains(r.URL.RawQuery, "api_key") {
		l.refuse(w, 400)
		return
	}
	text := shown[0]
	if !limitShape(text) {
		l.refuse(w, 401)
		return
	}
	digest := sha256.Sum256(limitBytes(text))
	key := l.keys[digest]
	now := time.Now().Unix()
	if key == nil || subtle.ConstantTimeCompare(key.digest[:], digest[:]) != 1 || key.expires != 0 && now >= key.expires {
		l.refuse(w, 401)
		return
	}
	if key.used.Load() != now {
		key.used.Store(now)
	}
	if !l.roles[key.role][l.need] {
		l.refuse(w, 403)
		return
	}
	c := &limitContext{Context: r.Context(), key: key}
	c.request = *r.WithContext(c)
	out := w.Header()
	out["Vary"], out["Cache-Control"] = limitVary, limitNoStore
	l.next.ServeHTTP(w, &c.request)
}

func limitShape(text string) bool {
	if len(text) != 44 || text[:4] != "API-" && text[:4] != "USR-" {
		return false
	}
	for i := 4; i < 44; i++ {
		if c := text[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	sum := crc32.ChecksumIEEE(limitBytes(text[:36]))
	for i := 43; i >= 36; i-- {
		if text[i] != "0123456789abcdef"[sum&15] {
			return false
		}
		sum >>= 4
	}
	return true
}

func (l *limit) refuse(w http.ResponseWriter, status int) {
	out := w.Header()
	out["Vary"], out["Cache-Control"] = limitVary, limitNoStore
	w.WriteHeader(status)
	_, _ = w.Write([]byte(`{"error":"refused"}`))
}

// limitBytes reads a string as bytes without a copy.
func limitBytes(s string) []byte { return unsafe.Slice(unsafe.StringData(s), len(s)) }
