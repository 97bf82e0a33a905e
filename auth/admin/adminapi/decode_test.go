package adminapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http/httptest"
	"testing"

	"github.com/latchkey-go/latchkey/auth/admin"
)

// FuzzDecode reads bodies. What is taken is one JSON object of known members, each of them written once.
func FuzzDecode(f *testing.F) {
	for _, body := range []string{`{}`, `{"name":"a","scopes":["a/*"],"ttl":1}`, `{"name":"a","n\u0061me":"b"}`, `{"name":1}`, `{"x":{"name":""}}`,
		`{} {}`, `{"name":`, `[{}]`, `null`, `{"allowed_ips":["::1","10.0.0.0/8"]}`, "{\"name\":\"\xff\"}", `{"expires_at":"2030-01-01T00:00:00Z"}`, `{"ttl":1e3}`,
		`{"name":"\ud800"}`, `{"scopes":null,"role":null}`, ``, ` `} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var b keyBody
		fields := b.fields()
		r := httptest.NewRequest("POST", "/", bytes.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		there, err := decode(httptest.NewRecorder(), r, false, fields)
		var input *admin.Error
		if err != nil {
			if !errors.As(err, &input) {
				t.Fatalf("%q: %v", body, err)
			}
			return
		}
		var members map[string]json.RawMessage
		if err := json.Unmarshal(body, &members); err != nil || len(body) > maxBody {
			t.Fatalf("%q was taken: %v", body, err)
		}
		for name := range members {
			if _, known := fields[name]; !known || !there[name] {
				t.Fatalf("%q: %q was passed over", body, name)
			}
		}
		if written := count(body); written != len(members) || len(there) != len(members) {
			t.Fatalf("%q: %d members written, %d read", body, written, len(there))
		}
	})
}

// count counts the members of an object as they are written, by the depth of each token.
func count(body []byte) (n int) {
	d := json.NewDecoder(bytes.NewReader(body))
	depth, name := 0, false
	for {
		token, err := d.Token()
		if err != nil {
			return n // the end
		}
		switch delim, _ := token.(json.Delim); delim {
		case '{', '[':
			depth++
			name = depth == 1
		case '}', ']':
			depth--
			name = depth == 1
		default:
			if depth == 1 {
				if name {
					n++
				}
				name = !name
			}
		}
	}
}
