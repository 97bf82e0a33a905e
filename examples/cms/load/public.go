package load

import (
	"context"
	"errors"
	"fmt"

	"github.com/latchkey-go/latchkey/publicapi"
)

// open makes the public API what the file says, unless somebody has decided that already.
func (in Into) open(ctx context.Context, f *File) error {
	setting, err := in.Public.Current(ctx)
	if err != nil || setting.Revision > 0 {
		return err
	}
	role, err := f.publicRole()
	if err != nil {
		in.Say("refused: %v: the public API stays closed", err)
		return nil
	}
	if role == "" {
		return nil
	}
	err = in.Public.Set(ctx, role, "loaded from a file")
	var unacknowledged *publicapi.UnacknowledgedError
	switch {
	case errors.Is(err, publicapi.ErrRole), errors.As(err, &unacknowledged):
		in.Say("refused: %v: the public API stays closed", err)
	case errors.Is(err, publicapi.ErrConflict): // another node was quicker
	case err != nil:
		return err
	}
	return nil
}

// publicRole returns the role of callers without a key. The file may say it by itself or as Cockpit does, by a key
// document with the key "public"; where it does both, both must mean the same.
func (f *File) publicRole() (string, error) {
	var said []string
	documents := []document{}
	switch public := f.public.(type) {
	case string:
		said = append(said, public)
	case map[string]any:
		documents = append(documents, public)
	case nil:
	default:
		return "", errors.New(`"public" is no appid, object or null`)
	}
	for _, d := range f.keys {
		if d["key"] == publicKey {
			documents = append(documents, d)
		}
	}
	for _, d := range documents {
		role, ok := d.text("role")
		if !ok {
			return "", errors.New("the role of the public document is no text")
		}
		said = append(said, role)
	}
	for _, role := range said {
		if role != said[0] {
			return "", fmt.Errorf("the file gives two public roles, %q and %q", said[0], role)
		}
	}
	if said == nil {
		return "", nil
	}
	return said[0], nil
}
