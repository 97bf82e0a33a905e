package database

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/latchkey-go/latchkey/keys"
)

// Pepper returns the pepper of the database's keys, so that a stolen database alone reveals nothing about them. A
// database keeps the pepper that it was first used with: without it, or with another, each of its keys would be
// refused, so Pepper returns an error. The secret is in file; "" is a file beside the SQLite file. A PostgreSQL
// database needs no pepper unless it takes imported keys, which may be weak.
func (d *Database) Pepper(ctx context.Context, file string, takesKeys bool) ([]keys.Pepper, error) {
	if file == "" && d.File != "" {
		file = d.File + ".pepper"
	}
	used, err := d.setting(ctx, "pepper")
	if err != nil {
		return nil, err
	}
	if file == "" {
		switch {
		case used != "":
			return nil, errors.New("the keys in this database need the pepper that they were made with: name its file with -pepper")
		case takesKeys:
			return nil, errors.New("imported keys need a pepper in a file apart from PostgreSQL: name one with -pepper")
		}
		return nil, nil
	}
	secret, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) && used == "" {
		if d.readOnly {
			secret, err = newPepper(), nil // a dry run may use any pepper
		} else {
			secret, err = makePepper(file)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("the pepper: %w", err)
	}
	secret = bytes.TrimSpace(secret)
	sum := sha256.Sum256(append([]byte("latchkey cms pepper\n"), secret...))
	id := hex.EncodeToString(sum[:8])
	switch {
	case !d.readOnly:
		if used, _, err = d.Claim(ctx, "pepper", id); err != nil {
			return nil, err
		}
	case used == "":
		used = id
	}
	if used != id {
		return nil, fmt.Errorf("%s is not the pepper that the keys in this database were made with", file)
	}
	return []keys.Pepper{keys.NewPepper(id, secret)}, nil
}

func newPepper() []byte {
	random := make([]byte, 32)
	rand.Read(random)
	return []byte(hex.EncodeToString(random) + "\n")
}

// makePepper writes a new pepper to a file that only its owner can read. If another node creates the file at the same
// time, it returns that node's pepper.
func makePepper(file string) ([]byte, error) {
	secret := newPepper()
	whole, err := os.CreateTemp(filepath.Dir(file), filepath.Base(file)+"-*") // mode 0600
	if err != nil {
		return nil, err
	}
	defer os.Remove(whole.Name())
	_, err = whole.Write(secret)
	err = errors.Join(err, whole.Sync(), whole.Close())
	if err != nil {
		return nil, err
	}
	if err := os.Link(whole.Name(), file); errors.Is(err, fs.ErrExist) {
		return os.ReadFile(file)
	} else if err != nil {
		return nil, err
	}
	return secret, nil
}
