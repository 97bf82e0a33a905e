// Package existing is the Go code of the guide for programs that exist, .github/guides/existing.md, and tests that run it.
package existing

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/keys"
)

// An App has handlers of a program from before Latchkey.
type App struct{ Static, PaymentReturn, Orders, Create http.Handler }

func Routes(mux *http.ServeMux, guard *auth.Guard, app App) {
	mux.Handle("GET /static/", app.Static)
	mux.Handle("POST /payment/return", app.PaymentReturn)
	mux.Handle("GET /api/orders", guard.Require("orders/read", app.Orders))
	mux.Handle("POST /api/orders", guard.Require("orders/create", app.Create))
}

type TokenUser struct{} // the context key of the user whose token was verified

// Tokens goes around the guarded routes. A bearer token that is not a key has to be a good token of yours.
func Tokens(guard *auth.Guard, verify func(token string) (userID string, err error), h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		if strings.EqualFold(scheme, "Bearer") && !guard.Format().Contains(token) {
			userID, err := verify(strings.TrimSpace(token))
			if err != nil || userID == "" {
				http.Error(w, "invalid token", http.StatusUnauthorized)
				return
			}
			r = r.WithContext(context.WithValue(r.Context(), TokenUser{}, userID))
		}
		h.ServeHTTP(w, r)
	})
}

// Import imports one key, and returns false if the ring has it already.
func Import(ctx context.Context, ring *keys.Ring, k keys.Imported, sha256Hex string) (added bool, err error) {
	sum, err := hex.DecodeString(sha256Hex)
	if err != nil || len(sum) != sha256.Size {
		return false, fmt.Errorf("key %s: not a SHA-256 in hex", k.ForeignID)
	}
	k.Digest, k.Strong = keys.NewDigest(keys.SHA256, [32]byte(sum)), true
	if _, err = ring.Import(ctx, k); errors.Is(err, keys.ErrExists) {
		return false, nil
	}
	return err == nil, err
}

// Shadow lets the old check decide, and logs a request on which Latchkey would decide otherwise.
func Shadow(guard *auth.Guard, permission string, old func(http.Handler) http.Handler, h http.Handler) http.Handler {
	latchkey := guard.Require(permission, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	checked := old(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if allows, ok := r.Context().Value(shadowed{}).(*atomic.Bool); ok {
			allows.Store(true)
		}
		h.ServeHTTP(w, r)
	}))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		e, allows := decide(latchkey, r), new(atomic.Bool)
		*r = *r.WithContext(context.WithValue(r.Context(), shadowed{}, allows))
		checked.ServeHTTP(w, r)
		if granted := e.Outcome == auth.OutcomeGranted; granted != allows.Load() && e.Status != http.StatusServiceUnavailable {
			slog.Warn("the checks differ", "old_allows", !granted, "latchkey_allows", granted, "status", e.Status,
				"reason", e.Reason, "key_id", e.KeyID, "user_id", e.UserID, "peer", e.Peer, "route", e.Route)
		}
	})
}

func decide(latchkey http.Handler, r *http.Request) (e auth.Event) {
	defer func() { _ = recover() }()
	ctx, cancel := context.WithTimeout(context.WithValue(r.Context(), shadowed{}, &e), 100*time.Millisecond)
	defer cancel()
	own := r.Clone(ctx)
	own.Body = io.NopCloser(strings.NewReader(""))
	latchkey.ServeHTTP(unsent{}, own)
	return e
}

func Observe(ctx context.Context, e auth.Event) {
	if verdict, ok := ctx.Value(shadowed{}).(*auth.Event); ok {
		*verdict = e
	}
}

type shadowed struct{} // the context key of both verdicts
type unsent http.Header

func (u unsent) Header() http.Header          { return http.Header(u) }
func (unsent) Write(body []byte) (int, error) { return len(body), nil }
func (unsent) WriteHeader(int)                {}
