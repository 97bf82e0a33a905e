package audit

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"time"
)

// A Record describes one change. Complete it with [Stamp] before it goes to a [Log].
type Record struct {
	ID        string    `json:"id"` // opaque; orders records, see [Stamp]
	At        time.Time `json:"at"` // UTC, whole microseconds
	Actor     string    `json:"actor"`
	ActorName string    `json:"actor_name,omitempty"` // the actor's name at that time
	Action    string    `json:"action"`               // such as "key.create"
	Object    string    `json:"object"`               // the ID or appid of the changed object
	Space     string    `json:"space,omitempty"`      // tenant; "" is the space of a host without tenants
	From      string    `json:"from,omitempty"`       // the caller's address

	// Before and After describe the object, as plain values: nil, bool, float64, string, []any and map[string]any of
	// these, as encoding/json reads them. Before is nil for a new object, After for a removed one.
	Before map[string]any `json:"before,omitempty"`
	After  map[string]any `json:"after,omitempty"`
}

// Stamp completes r: it sets a zero At to now and an empty ID to a new one, converts values to the plain form that a log
// returns, and replaces bytes in ActorName that databases refuse. The result shares no memory with r. A value that JSON
// cannot encode is an error.
//
// IDs are compared as bytes. Of two records that one process stamps with the current time, the later one has the greater
// ID, unless the clock was set back by a minute or more in between. Records of several processes are in the order of
// their clocks.
func Stamp(r Record) (Record, error) {
	if r.At.IsZero() {
		r.At = time.Now()
	}
	r.At = r.At.UTC().Truncate(time.Microsecond)
	if r.ID == "" {
		r.ID = newID(r.At)
	}
	r.ActorName = strings.ReplaceAll(strings.ToValidUTF8(r.ActorName, "\ufffd"), "\x00", "\ufffd")
	for _, values := range []*map[string]any{&r.Before, &r.After} {
		plain, err := plainly(*values)
		if err != nil {
			return Record{}, fmt.Errorf("audit: values of %s: %w", r.Action, err)
		}
		*values = plain
	}
	return r, nil
}

// plainly copies values into the form that JSON gives back.
func plainly(values map[string]any) (map[string]any, error) {
	if len(values) == 0 {
		return nil, nil
	}
	text, err := json.Marshal(values)
	if err != nil {
		return nil, err
	}
	var plain map[string]any
	err = json.Unmarshal(text, &plain)
	return plain, err
}

// newest is the time in the latest ID of this process, so that IDs ascend even within a microsecond or when the
// clock steps back a little.
var newest struct {
	sync.Mutex
	micros int64
}

// maxAhead bounds how far IDs may run ahead of the clock. A clock that steps back further starts anew.
const maxAhead = int64(time.Minute / time.Microsecond)

// newID makes 32 hex digits: the time in microseconds, then eight random bytes that keep nodes apart.
func newID(at time.Time) string {
	micros := at.UnixMicro()
	newest.Lock()
	if ahead := newest.micros - micros; ahead >= 0 && ahead < maxAhead {
		micros = newest.micros + 1
	}
	newest.micros = micros
	newest.Unlock()
	var random [8]byte
	_, _ = rand.Read(random[:]) // never fails: crypto/rand ends the program instead
	return fmt.Sprintf("%016x%x", micros, random)
}
