package console

import (
	"time"

	"github.com/latchkey-go/latchkey/keys"
)

// A keyRow is a key as the pages show it: its record without digests.
type keyRow struct {
	ID, Name, Hint, UserID, Role, CreatedBy string
	Kind                                    keys.Kind
	State                                   keys.State
	Scopes                                  []string
	Networks                                []string
	CreatedAt, RefreshedAt, ExpiresAt       time.Time
	DisabledAt, InvalidatedAt, LastUsedAt   time.Time
	OldUntil                                time.Time // the value before a refresh is good until then
	Imported                                bool
	Weak                                    bool // can be guessed, until it is refreshed
}

func rowOf(rec keys.Record) keyRow {
	now := time.Now()
	row := keyRow{ID: rec.ID, Name: rec.Name, Hint: rec.Hint, UserID: rec.UserID, Role: rec.Role, CreatedBy: rec.CreatedBy,
		Kind: rec.Kind, State: rec.State(now), Scopes: rec.Scopes, CreatedAt: rec.CreatedAt, RefreshedAt: rec.RefreshedAt,
		ExpiresAt: rec.ExpiresAt, DisabledAt: rec.DisabledAt, InvalidatedAt: rec.InvalidatedAt, LastUsedAt: rec.LastUsedAt,
		Imported: rec.Legacy}
	row.Weak = rec.Weak && row.State != keys.StateInvalidated // what has ended cannot be refreshed
	for _, network := range rec.AllowedIPs {
		row.Networks = append(row.Networks, network.String())
	}
	if rec.PreviousUntil.After(now) {
		row.OldUntil = rec.PreviousUntil
	}
	return row
}
