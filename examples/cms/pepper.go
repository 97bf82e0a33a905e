package main

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

// pepper returns what keys are digested with besides SHA-256, so that a stolen database alone tells nothing about
// them. A database keeps the pepper that it was first used with: without it, or with another, its keys would be
// refused one and all, so the program does not start.
func (d *database) pepper(ctx context.Context, c config) ([]keys.Pepper, error) {
	file := c.pepper
	if file == "" && d.file != "" {
		file = d.file + ".pepper"
	}
	used, err := d.setting(ctx, "pepper")
	if err != nil {
		return nil, err
	}
	if file == "" {
		switch {
		case used != "":
			return nil, errors.New("the keys in this database need the pepper that they were made with: name its file with -pepper")
		case c.load != "":
			return nil, errors.New("-load with PostgreSQL needs a file for the pepper, kept apart from the database: name one with -pepper")
		}
		return nil, nil
	}
	secret, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) && used == "" {
		secret, err = makePepper(file)
	}
	if err != nil {
		return nil, fmt.Errorf("the pepper: %w", err)
	}
	secret = bytes.TrimSpace(secret)
	sum := sha256.Sum256(append([]byte("latchkey cms pepper\n"), secret...))
	id := hex.EncodeToString(sum[:8])
	if used, _, err = d.claim(ctx, "pepper", id); err != nil {
		return nil, err
	}
	if used != id {
		return nil, fmt.Errorf("%s is not the pepper that the keys in this database were made with", file)
	}
	return []keys.Pepper{{ID: id, Secret: secret}}, nil
}

// makePepper writes a new pepper to a file that only its owner reads. If another node makes it at the same time, it
// returns that one's.
func makePepper(file string) ([]byte, error) {
	random := make([]byte, 32)
	rand.Read(random)
	secret := []byte(hex.EncodeToString(random) + "\n")
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
