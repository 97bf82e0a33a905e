package assets

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/latchkey-go/latchkey/auth"
)

// Register adds the addresses to mux, which must be inside the guard's Identify:
//
//	GET /api/assets/{id}        the document
//	GET /api/assets/image/{id}  the picture in another size, or its address
//	GET /storage/uploads/…      the file
//
// They need no permission, as in Cockpit, where each caller with a key reads all assets. A caller without a key is refused
// while the public API is closed. With bare, a missing asset is an empty page, and so is HEAD under /api, as in Cockpit.
// With secure, clients reach the server over TLS, perhaps through a proxy.
func Register(mux interface{ Handle(string, http.Handler) }, guard *auth.Guard, store *Store, bare, secure bool) {
	s := &server{guard, store, secure, make(chan struct{}, 2)}
	get := func(path string, serve func(http.ResponseWriter, *http.Request) error) {
		bare := bare && strings.HasPrefix(path, "/api/")
		guard.HandleOpen(mux, "GET "+path, guard.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			err := ErrNotFound
			if !bare || r.Method != http.MethodHead {
				err = serve(w, r)
			}
			s.fail(w, r, err, bare)
		})))
	}
	get("/api/assets/{id}", s.document)
	get("/api/assets/image/{id}", s.image)
	get("/storage/uploads/{path...}", s.file)
}

type server struct {
	guard *auth.Guard
	store *Store
	tls   bool
	busy  chan struct{} // for pictures in work, each of which may take some hundred MiB
}

// fail writes the answer for err, if any. The guard answers store failures.
func (s *server) fail(w http.ResponseWriter, r *http.Request, err error, bare bool) {
	mistake, ok := errors.AsType[Mistake](err)
	switch {
	case err == nil:
	case ok:
		reply(w, http.StatusBadRequest, map[string]string{"error": string(mistake)})
	case errors.Is(err, ErrNotFound) && bare:
		w.Header().Set("Content-Type", "text/html;charset=UTF-8")
		w.WriteHeader(http.StatusNotFound)
	case errors.Is(err, ErrNotFound):
		reply(w, http.StatusNotFound, map[string]string{"error": "Not found"})
	default:
		s.guard.Refuse(w, r, err)
	}
}

func reply(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

func (s *server) document(w http.ResponseWriter, r *http.Request) error {
	a, err := s.store.Get(r.Context(), r.PathValue("id"))
	if err == nil {
		reply(w, http.StatusOK, a)
	}
	return err
}

func (s *server) file(w http.ResponseWriter, r *http.Request) error {
	a, _, err := s.store.one(r.Context(), "path", "/"+r.PathValue("path"))
	if err != nil {
		return err
	}
	f, info, mime, err := s.store.open(a.Text("path"))
	if err != nil {
		return err
	}
	defer f.Close()
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(10 * time.Minute)) // for a slow client
	send(w, r, mime, a.Text("_id"), info.ModTime(), f)
	return nil
}

// send answers with a file, which never changes under its address. Shared caches keep it for an hour if callers without a
// key may read it; other clients ask again each time, and get 304.
func send(w http.ResponseWriter, r *http.Request, mime, tag string, changed time.Time, body io.ReadSeeker) {
	protect(w.Header(), mime)
	w.Header().Set("ETag", `"`+tag+`"`)
	w.Header().Set("Cache-Control", "private, no-cache")
	auth.PublicCache("public, max-age=3600", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.ServeContent(w, r, "", changed, body)
	})).ServeHTTP(w, r)
}

// image answers with o=1 with the picture, with re=1 with a redirect to it, and otherwise with its address.
func (s *server) image(w http.ResponseWriter, r *http.Request) error {
	query := r.URL.Query()
	for name, values := range query {
		query[name] = values[len(values)-1:] // as PHP does
	}
	wanted, mistake := parseSize(query)
	a, err := s.store.Get(r.Context(), r.PathValue("id"))
	if err = cmp.Or(mistake, err); err != nil {
		return err
	}
	select {
	case s.busy <- struct{}{}:
		defer func() { <-s.busy }()
	case <-time.After(10 * time.Second):
		return errors.New("assets: too many pictures at once")
	}
	mime, body, err := s.store.picture(a, wanted)
	if err != nil {
		return err
	}
	if query.Get("o") == "1" {
		send(w, r, mime, fmt.Sprintf("%x", sha256.Sum256(body)), time.Time{}, bytes.NewReader(body))
		return nil
	}
	redirect := query.Get("re") == "1"
	query.Del("api_key") // as in Cockpit, the address has no key: pages show it
	query.Set("o", "1")
	at := "http://" + r.Host + r.URL.Path + "?" + query.Encode()
	if s.tls || r.TLS != nil {
		at = "https" + at[len("http"):]
	}
	w.Header().Set("Content-Type", "text/html;charset=UTF-8") // Cockpit says so of this text
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if redirect {
		http.Redirect(w, r, at, http.StatusFound)
		return nil
	}
	_, _ = io.WriteString(w, at)
	return nil
}
