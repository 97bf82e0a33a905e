package auth_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/gob"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/auth"
)

type (
	hidden[T any]   struct{ v T } // fmt calls no methods in here
	shown[T any]    struct{ V T }
	hostContext     struct{ context.Context }
	hiddenContext   struct{ inner hostContext }
	contextKey      struct{}
	contextValue    struct{ name string }
	deepHostContext struct {
		*hostContext
		n int
	}
)

// around returns v as hosts hold it.
func around[T any](v T) []any {
	return []any{
		v, &v, hidden[T]{v}, &hidden[T]{v}, hidden[*T]{&v}, hidden[any]{v}, hidden[[]T]{[]T{v}}, hidden[map[string]T]{map[string]T{"k": v}},
		shown[T]{v}, shown[*T]{&v}, shown[any]{v}, []T{v}, []*T{&v}, map[string]T{"k": v}, shown[hidden[*T]]{hidden[*T]{&v}}, []any{v, &v},
	}
}

// prints returns what fmt with every verb and flag, loggers, encoders and a panic make of v, by how.
func prints(v any, see func(how, text string)) {
	flags := []string{"", "+", "#", " ", "0", "60"}
	if raceEnabled { // which makes this slow, and finds no more
		flags = flags[:2]
	}
	for _, flag := range flags {
		for c := 'A'; c <= 'z'; c++ {
			if c <= 'Z' || c >= 'a' {
				format := "%" + flag + string(c)
				see(format, fmt.Sprintf(format, v))
			}
		}
	}
	var out bytes.Buffer
	slog.New(slog.NewTextHandler(&out, nil)).Info("x", "v", v)
	slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "v", v)
	text, _ := json.Marshal(v)
	out.Write(text)
	_ = gob.NewEncoder(&out).Encode(v)
	func() {
		defer func() { fmt.Fprintln(&out, recover()) }()
		panic(v)
	}()
	see("a logger, an encoder or a panic", out.String())
}

// requireSilent fails if anything that prints one of values shows the middle of a secret: as it is, in hex, in numbers.
func requireSilent(t *testing.T, secrets []string, values ...any) {
	t.Helper()
	var needles []string
	for _, text := range secrets {
		text = text[len(text)/4 : len(text)*3/4]
		listed := func(format string) string { return strings.Trim(fmt.Sprintf(format, []byte(text)), "[]") }
		needles = append(needles, text, listed("%x"), listed("%X"), listed("% x"), listed("%d"), listed("%o"), listed("%b"), listed("%c"),
			listed("%q"), listed("%U"), strings.ReplaceAll(listed("%d"), " ", ","), strings.ReplaceAll(listed("%d"), " ", ", "),
			listed("%#v"), strings.Trim(fmt.Sprintf("%+q", text), `"`))
	}
	for _, v := range values {
		prints(v, func(how, printed string) {
			for _, needle := range needles {
				if strings.Contains(printed, needle) {
					t.Errorf("%s of %T shows %.20q", how, v, needle)
				}
			}
		})
	}
}

// Neither a principal, a guard nor a context that comes from the guard's prints the key of its request, the header
// that it stood in, or its digest.
func TestNothingPrintsACredential(t *testing.T) {
	w := newWorld(t)
	outer := newWorld(t, func(c *auth.Config) { c.StripCredentials = true })
	const other = "another header that the host may want to keep for itself"
	server := func(h http.Handler, r *http.Request) { // with the contexts of a real one
		s := httptest.NewServer(h)
		defer s.Close()
		sent, err := http.NewRequest(r.Method, s.URL, nil)
		require.NoError(t, err)
		sent.Header = r.Header
		resp, err := s.Client().Do(sent)
		require.NoError(t, err)
		_ = resp.Body.Close()
	}
	direct := func(h http.Handler, r *http.Request) { serve(h, r) }
	for name, c := range map[string]struct {
		run   func(http.Handler, *http.Request)
		guard func(http.Handler) http.Handler
		key   string
		r     *http.Request
	}{
		"header":  {direct, w.guard.Identify, w.editor, request("/", "api-key", w.editor, "X-Other", other)},
		"bearer":  {direct, w.guard.Handler, w.ada, request("/", "Authorization", "Bearer "+w.ada, "X-Other", other)},
		"require": {direct, func(h http.Handler) http.Handler { return w.guard.Require("content/posts/read", h) }, w.ada, request("/", "api-key", w.ada)},
		"server":  {server, w.guard.Identify, w.editor, request("/", "api-key", w.editor, "X-Other", other)},
		"twice":   {direct, func(h http.Handler) http.Handler { return w.guard.Identify(w.guard.Handler(h)) }, w.editor, request("/", "api-key", w.editor)},
		"strips":  {direct, outer.guard.Identify, outer.editor, request("/", "api-key", outer.editor)},
	} {
		t.Run(name, func(t *testing.T) {
			var values []any
			c.run(c.guard(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				ctx := r.Context()
				p, ok := auth.PrincipalFrom(ctx)
				require.True(t, ok)
				valued := context.WithValue(ctx, contextKey{}, &contextValue{"n"})
				cancelled, cancel := context.WithCancelCause(valued)
				timed, stop := context.WithTimeout(ctx, time.Hour)
				defer stop()
				for _, ctx := range []context.Context{
					ctx, valued, cancelled, timed, context.WithoutCancel(ctx), context.WithValue(timed, contextKey{}, 1),
					context.WithValue(ctx, contextKey{}, contextValue{"n"}), auth.NewContext(ctx, p), context.WithValue(auth.NewContext(valued, p), contextKey{}, p),
					hostContext{ctx}, &hostContext{valued}, deepHostContext{&hostContext{ctx}, 1}, r.WithContext(valued).Context(),
				} {
					values = append(values, around(ctx)...)
					values = append(values, hiddenContext{hostContext{ctx}}, &hiddenContext{hostContext{ctx}})
				}
				values = append(values, around(p)...)
				values = append(values, around(p.Key())...)
				values = append(values, around(w.guard)...)
				values = append(values, map[auth.Principal]int{p: 1}, hidden[map[auth.Principal]int]{map[auth.Principal]int{p: 1}})
				cancel(nil)
			})), c.r)
			require.NotEmpty(t, values)
			sum := sha256.Sum256([]byte(c.key))
			requireSilent(t, []string{c.key, other, string(sum[:])}, values...)
		})
	}
}
