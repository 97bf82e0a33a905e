package adminapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"mime"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/latchkey-go/latchkey/auth/admin"
)

const maxBody = 64 << 10

var errMedia = errors.New("adminapi: the body is not application/json")

// A field reads one member of a body.
type field struct {
	into     any // a pointer, as json.Unmarshal takes it
	kind     string
	nullable bool // null is the zero value
}

// decode reads a JSON object into fields and returns the names of those that are present. It refuses a body that is not
// an object or is longer than 64 KiB, and a member that is unknown, repeated or of another type, and names the member. An
// empty body counts as {} if optional.
func decode(w http.ResponseWriter, r *http.Request, optional bool, fields map[string]field) (there map[string]bool, err error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	var tooLong *http.MaxBytesError
	switch {
	case errors.As(err, &tooLong):
		return nil, invalid(lastMember(body), "makes the body longer than 64 KiB")
	case err != nil:
		return nil, invalid("", "the body could not be read")
	case len(bytes.TrimSpace(body)) == 0 && optional:
		return map[string]bool{}, nil
	}
	media, parameters, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	charset := parameters["charset"]
	if err != nil || media != "application/json" || charset != "" && !strings.EqualFold(charset, "utf-8") {
		return nil, errMedia
	}
	if !utf8.Valid(body) {
		return nil, invalid("", "the body is not UTF-8")
	}
	there = map[string]bool{}
	err = members(body, func(name string, value json.RawMessage) error {
		f, known := fields[name]
		switch {
		case !known:
			return invalid(name, "is not known here")
		case there[name]:
			return invalid(name, "is written twice")
		}
		there[name] = true
		if string(value) == "null" {
			if f.nullable {
				return nil
			}
			return invalid(name, "must be "+f.kind+", not null")
		}
		if json.Unmarshal(value, f.into) != nil {
			return invalid(name, "must be "+f.kind)
		}
		return nil
	})
	return there, err
}

var errNoObject = invalid("", "the body is not one JSON object")

// members calls f for each member of a JSON object, in order.
func members(body []byte, f func(name string, value json.RawMessage) error) error {
	d := json.NewDecoder(bytes.NewReader(body))
	if start, err := d.Token(); err != nil || start != json.Delim('{') {
		return errNoObject
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return errNoObject
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return invalid(name.(string), "is not JSON") // the decoder lets only texts stand here
		}
		if err := f(name.(string), value); err != nil {
			return err
		}
	}
	if _, err := d.Token(); err != nil {
		return errNoObject
	}
	if _, err := d.Token(); err != io.EOF {
		return errNoObject
	}
	return nil
}

// lastMember returns the name of the member in which a body that was cut off ends, or "".
func lastMember(body []byte) (last string) {
	err := members(body, func(name string, _ json.RawMessage) error {
		last = name
		return nil
	})
	if broken, ok := errors.AsType[*admin.Error](err); ok && broken.Field != "" {
		return broken.Field
	}
	return last
}

// needs returns an error that names all of these members or parameters that are missing, or nil.
func needs[V any](there map[string]V, names ...string) error {
	missing := slices.DeleteFunc(slices.Clone(names), func(name string) bool {
		_, ok := there[name]
		return ok
	})
	switch len(missing) {
	case 0:
		return nil
	case 1:
		return invalid(missing[0], "is missing")
	}
	return invalid(missing[0], "and "+strings.Join(missing[1:], " and ")+" are missing")
}

func text(into *string) field        { return field{into, "a text", false} }
func texts(into *[]string) field     { return field{into, "a list of texts", true} }
func flag(into *bool) field          { return field{into, "true or false", false} }
func seconds(into *int64) field      { return field{into, "a whole number of seconds", false} }
func instant(into *time.Time) field  { return field{into, "a time as in RFC 3339", true} }
func networks(into *[]network) field { return field{into, "a list of addresses or networks", true} }

// A network is an address or a network, such as 192.0.2.7 or 2001:db8::/32.
type network struct{ netip.Prefix }

// UnmarshalText implements [encoding.TextUnmarshaler].
func (n *network) UnmarshalText(text []byte) error {
	if addr, err := netip.ParseAddr(string(text)); err == nil && addr.Zone() == "" {
		n.Prefix = netip.PrefixFrom(addr, addr.BitLen())
		return nil
	}
	return n.Prefix.UnmarshalText(text)
}

// maxTTL keeps the sum with any time of our days within what a time.Time, JSON and databases can hold.
const maxTTL = 100 * 366 * 24 * 60 * 60

// expiry works out when a key ends, of the two ways to say it.
func expiry(there map[string]bool, ttl int64, at time.Time) (time.Time, error) {
	switch {
	case there["ttl"] && there["expires_at"]:
		return at, invalid("ttl", "and expires_at say the same: one is enough")
	case there["ttl"] && (ttl < 1 || ttl > maxTTL):
		return at, invalid("ttl", "must be 1 to "+strconv.FormatInt(maxTTL, 10))
	case ttl > 0:
		return time.Now().Add(time.Duration(ttl) * time.Second), nil
	case at.IsZero():
		return at, nil
	case !at.After(time.Now()) || at.After(time.Now().Add(maxTTL*time.Second)):
		return at, invalid("expires_at", "must be in the future, and within a hundred years")
	}
	return at, nil
}

// checkQuery refuses parameters that are unknown, repeated or not UTF-8, by name. A setting that a client puts into the
// query instead of the body must not be ignored.
func checkQuery(r *http.Request, known []string) error {
	q, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return invalid("", "the query is malformed")
	}
	for _, name := range slices.Sorted(maps.Keys(q)) {
		switch {
		case !slices.Contains(known, name):
			return invalid(name, "is not a parameter here")
		case len(q[name]) > 1:
			return invalid(name, "is given twice")
		case !utf8.ValidString(q[name][0]):
			return invalid(name, "is not UTF-8")
		}
	}
	return nil
}

// limit reads the parameter of that name: how many rows a page has at most, by default 100.
func limit(q url.Values) (int, error) {
	if !q.Has("limit") {
		return 100, nil
	}
	n, err := strconv.Atoi(q.Get("limit"))
	if err != nil || n < 1 || n > 1000 {
		return 0, invalid("limit", "must be 1 to 1000")
	}
	return n, nil
}

// since reads a parameter that is a time.
func since(q url.Values, name string) (time.Time, error) {
	if !q.Has(name) {
		return time.Time{}, nil
	}
	at, err := time.Parse(time.RFC3339, q.Get(name))
	if err != nil {
		return at, invalid(name, "must be a time as in RFC 3339")
	}
	return at, nil
}
