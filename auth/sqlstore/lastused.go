package sqlstore

import (
	"context"
	"encoding/json"

	"github.com/latchkey-go/latchkey/keys"
)

// RecordUse implements [keys.LastUsedStore]: one statement for the whole batch, which does not move the revision.
func (k *Keys) RecordUse(ctx context.Context, uses []keys.Use) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	// A statement that names one row twice stores either time, so each key is named once.
	latest := make(map[keys.Ref]int64, len(uses))
	for _, u := range uses {
		ref := keys.Ref{Space: u.Space, ID: u.ID}
		if u.At.IsZero() || unstorable(u.Space, u.ID) {
			continue
		}
		if at, seen := latest[ref]; !seen || at < u.At.UnixMicro() {
			latest[ref] = u.At.UnixMicro()
		}
	}
	if len(latest) == 0 {
		return nil
	}
	type use struct {
		ID    string `json:"id"`
		Space string `json:"space"`
		At    int64  `json:"at"`
	}
	batch := make([]use, 0, len(latest))
	for ref, at := range latest {
		batch = append(batch, use{ref.ID, ref.Space, at})
	}
	text, err := json.Marshal(batch)
	if err != nil {
		return err
	}
	_, err = k.s.exec(ctx, &k.s.use, string(text))
	return storeError(ctx, "record when keys were used", err)
}
