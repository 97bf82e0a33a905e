package cockpit

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// ReadJSON reads {"roles": […], "users": […], "api_keys": […], "public": …} with documents as Cockpit 2 stores them, in
// row order. Any of these members may be missing; others are passed over. "public" is an appid, or the document of the
// public API, which may stand among api_keys instead, as Cockpit keeps it.
//
// It reads one document after the other, and drops members that it does not know. No error quotes the
// input, which may be a key. An error of r is wrapped.
func ReadJSON(r io.Reader) (*Source, error) {
	heard := &listener{r: r}
	j := &jsonReader{json.NewDecoder(heard), new(reader)}
	j.UseNumber()
	err := j.object()
	if heard.err != nil {
		return nil, fmt.Errorf("cockpit: read: %w", heard.err)
	}
	if err != nil {
		return nil, err
	}
	return j.to.source(), nil
}

// A listener remembers the error of its reader: a decoder's own errors quote the input.
type listener struct {
	r   io.Reader
	err error
}

func (l *listener) Read(p []byte) (int, error) {
	n, err := l.r.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		l.err = err
	}
	return n, err
}

type jsonReader struct {
	*json.Decoder
	to *reader
}

func (j *jsonReader) broken() error {
	return fmt.Errorf("cockpit: no JSON: mistake at byte %d", j.InputOffset())
}

// object reads the one object that there is to be.
func (j *jsonReader) object() error {
	if token, err := j.Token(); err != nil || token != json.Delim('{') {
		return errors.New("cockpit: no JSON object")
	}
	seen := map[string]bool{}
	for j.More() {
		token, err := j.Token()
		if err != nil {
			return j.broken()
		}
		switch name, _ := token.(string); {
		case name != "roles" && name != "users" && name != "api_keys" && name != "public":
			err = j.pass()
		case seen[name]:
			err = fmt.Errorf("cockpit: %q is there twice", name)
		case name == "public":
			err = j.public()
		default:
			seen[name] = true
			err = j.list(name)
		}
		if err != nil {
			return err
		}
	}
	if _, err := j.Token(); err != nil {
		return j.broken()
	}
	if _, err := j.Token(); !errors.Is(err, io.EOF) {
		return errors.New("cockpit: something stands behind the JSON object")
	}
	return nil
}

// pass passes over one value without keeping it.
func (j *jsonReader) pass() error {
	for depth := 0; ; {
		token, err := j.Token()
		if err != nil {
			return j.broken()
		}
		switch token {
		case json.Delim('{'), json.Delim('['):
			depth++
		case json.Delim('}'), json.Delim(']'):
			depth--
		}
		if depth == 0 {
			return nil
		}
	}
}

// list reads a list of documents. PHP writes an empty one as an object, too.
func (j *jsonReader) list(name string) error {
	start, err := j.Token()
	if err != nil {
		return j.broken()
	}
	if start == nil {
		return nil
	}
	if start != json.Delim('[') && (start != json.Delim('{') || j.More()) {
		return fmt.Errorf("cockpit: %q is no list of documents", name)
	}
	for row := 1; j.More(); row++ {
		var value any
		if j.Decode(&value) != nil {
			return j.broken()
		}
		document, _ := value.(map[string]any)
		j.to.take(name, row, document)
	}
	if _, err := j.Token(); err != nil {
		return j.broken()
	}
	if name == "api_keys" {
		j.to.d.public.said = true
	}
	return nil
}

func (j *jsonReader) public() error {
	var value any
	if j.Decode(&value) != nil {
		return j.broken()
	}
	switch public := value.(type) {
	case nil:
	case string:
		j.to.open(document{"role": public})
	case map[string]any:
		j.to.open(public)
	default:
		return errors.New(`cockpit: "public" is no appid, object or null`)
	}
	return nil
}
