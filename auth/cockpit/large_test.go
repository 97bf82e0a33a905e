package cockpit_test

import (
	"crypto/sha256"
	"fmt"
	"io"
	"runtime"
	"strings"
)

// A bigCockpit is the JSON of a large Cockpit, made while it is read. It watches the heap.
type bigCockpit struct {
	users, keys, items int
	stage, n           int
	rest               string
	read               int64
	before, most       uint64
}

func newCockpit(users, keys, items int) *bigCockpit {
	c := &bigCockpit{users: users, keys: keys, items: items}
	c.before = live()
	return c
}

// live is how much of the heap is in use.
func live() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// peak is by how much the heap grew while it was read, in bytes.
func (c *bigCockpit) peak() int64 { return int64(max(c.most, live())) - int64(c.before) }

func (c *bigCockpit) Read(p []byte) (int, error) {
	for c.rest == "" {
		if c.stage == 8 {
			return 0, io.EOF
		}
		c.rest = c.next()
	}
	n := copy(p, c.rest)
	c.rest = c.rest[n:]
	c.read += int64(n)
	return n, nil
}

// next makes the next piece.
func (c *bigCockpit) next() string {
	pieces := []struct {
		begin string
		n     int
		each  func(int) string
	}{
		{`{"items": {"posts": [`, c.items, func(i int) string {
			return fmt.Sprintf(`{"_id": "i%d", "title": %q}`, i, strings.Repeat("x", 80))
		}},
		{`]}, "roles": [{"appid": "reader", "permissions": {"content/posts/read": true}}], "users": [`, c.users, func(i int) string {
			return fmt.Sprintf(`{"_id": "u%d", "user": "user%d", "name": "User %d", "active": true, "role": "reader", "_meta": {"x": %q}, "apiKey": %q}`,
				i, i, i, strings.Repeat("y", 200), bigText("USR-", i))
		}},
		{`], "api_keys": [`, c.keys, func(i int) string {
			return fmt.Sprintf(`{"_id": "k%d", "name": "key %d", "role": "reader", "meta": [], "key": %q}`, i, i, bigText("API-", i))
		}},
		{`]}`, 0, nil},
	}
	at := c.stage / 2
	if c.stage%2 == 0 {
		c.stage, c.n = c.stage+1, 0
		return pieces[at].begin
	}
	if c.n == pieces[at].n {
		c.stage++
		return ""
	}
	if c.n%2000 == 0 {
		c.most = max(c.most, live())
	}
	c.n++
	comma := ","
	if c.n == 1 {
		comma = ""
	}
	return comma + pieces[at].each(c.n)
}

// bigText is the text of a strong key.
func bigText(prefix string, n int) string {
	sum := sha256.Sum256(fmt.Append(nil, prefix, n))
	return fmt.Sprintf("%s%x", prefix, sum[:20])
}
