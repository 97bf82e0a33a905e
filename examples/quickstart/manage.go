package main

import (
	"errors"
	"net/http"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/keys"
	"github.com/latchkey-go/latchkey/roles"
)

// A manager refreshes and invalidates keys.
type manager struct {
	ring   *keys.Ring
	guard  *auth.Guard
	policy *roles.Policy
	users  auth.UserMap
}

// refresh replaces the value of a key. The next request with the old value is refused; only this answer holds the new
// one.
func (m manager) refresh(w http.ResponseWriter, r *http.Request) {
	if err := m.mayTouch(r); err != nil {
		m.fail(w, r, err)
		return
	}
	issued, err := m.ring.Refresh(r.Context(), r.PathValue("id"), keys.Renewal{})
	if err != nil {
		m.fail(w, r, err)
		return
	}
	reply(w, http.StatusOK, map[string]string{"id": issued.Record.ID, "key": issued.Key.Reveal()})
}

// invalidate stops a key for good.
func (m manager) invalidate(w http.ResponseWriter, r *http.Request) {
	if err := m.mayTouch(r); err != nil {
		m.fail(w, r, err)
		return
	}
	if err := m.ring.Invalidate(r.Context(), r.PathValue("id")); err != nil {
		m.fail(w, r, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// mayTouch keeps callers away from keys with more permissions than their own: refreshing such a key would give it to
// them.
func (m manager) mayTouch(r *http.Request) error {
	record, err := m.ring.Get(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	held := roles.Rights{Role: record.Role, Scopes: record.Scopes}
	if record.Kind == keys.KindUser {
		held.Role = m.users[record.UserID].Role
	}
	if caller, _ := auth.PrincipalFrom(r.Context()); !m.policy.Covers(caller.Rights(), held) {
		return &auth.Refusal{Status: http.StatusForbidden, Reason: auth.ReasonNotGranted}
	}
	return nil
}

// fail writes the response for err. A key that has ended can't be refreshed: that is a conflict, and not a verdict on the
// caller's own key.
func (m manager) fail(w http.ResponseWriter, r *http.Request, err error) {
	if errors.Is(err, keys.ErrInvalid) {
		err = keys.ErrConflict
	}
	m.guard.Refuse(w, r, err)
}
