package assets

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"io"
	"io/fs"
	"os"
	"path"
	"regexp"
	"strings"
	"time"
)

// MostUpload is the largest file that can be uploaded, in bytes.
const MostUpload = 32 << 20

// Upload stores a file and its document. by is the user's ID. The file's path is new and cannot be guessed; its type is
// that of its content, whatever its name says.
func (s *Store) Upload(ctx context.Context, name, folder, by string, body io.Reader) error {
	now, hash := time.Now(), sha256.New()
	a := Asset{
		"_id": fmt.Sprintf("%08x", now.Unix()) + random(8), "path": now.UTC().Format("/2006/01/02/") + fileName(name), "title": name, "description": "", "tags": []any{},
		"folder": folder, "colors": nil, "width": nil, "height": nil, "_created": now.Unix(), "_modified": now.Unix(), "_cby": by,
	}
	return s.Add(ctx, a, io.TeeReader(body, hash), MostUpload, func(f *os.File, size int64) error {
		mime, err := typeOf(f)
		a["mime"], a["type"], a["size"], a["_hash"] = mime, kind(mime), size, fmt.Sprintf("%x", hash.Sum(nil)[:16])
		if picture, _, err := image.DecodeConfig(io.NewSectionReader(f, 0, size)); err == nil {
			a["width"], a["height"] = picture.Width, picture.Height
		}
		return err
	})
}

var notPlain = regexp.MustCompile(`[^a-z0-9]+`)

// fileName returns a new name for a file, such as cat_uid_….png.
func fileName(name string) string {
	name = strings.ToLower(path.Base(strings.ReplaceAll(name, `\`, "/")))
	ending := path.Ext(name)
	base := strings.Trim(notPlain.ReplaceAllString(strings.TrimSuffix(name, ending), "-"), "-")
	if len(ending) < 2 || len(ending) > 9 || notPlain.MatchString(ending[1:]) {
		ending = ""
	}
	return base[:min(len(base), 60)] + "_uid_" + random(12) + ending
}

// random returns the hex digits of n random bytes.
func random(n int) string {
	b := make([]byte, n)
	rand.Read(b)
	return fmt.Sprintf("%x", b)
}

// Add stores a file of at most most bytes, and then its document, which describe may complete; nil does nothing.
func (s *Store) Add(ctx context.Context, a Asset, body io.Reader, most int64, describe func(f *os.File, size int64) error) error {
	if there, err := Has(ctx, s.db, a); err != nil || there {
		return cmp.Or(err, error(Mistake("There is an asset with this _id or path already")))
	}
	if err := s.write(a.Text("path")[1:], body, most, describe); err != nil {
		_ = s.files.Remove(a.Text("path")[1:]) // without a document it is not served
		return err
	}
	document, err := json.Marshal(a)
	if err != nil {
		return err
	}
	return s.change(ctx, ErrNotFound, `INSERT INTO cms_assets (id, path, folder, document) VALUES ($1, $2, $3, $4)`,
		a.Text("_id"), a.Text("path"), a.Text("folder"), string(document))
}

func (s *Store) write(name string, body io.Reader, most int64, describe func(*os.File, int64) error) error {
	if err := s.files.MkdirAll(path.Dir(name), 0o700); err != nil {
		return err
	}
	f, err := s.files.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	n, err := io.Copy(f, io.LimitReader(body, most+1))
	switch {
	case err == nil && n > most:
		err = Mistake("The file is too large")
	case err == nil && describe != nil:
		err = describe(f, n)
	}
	return errors.Join(err, f.Sync())
}

// Delete deletes an asset, or returns ErrNotFound. The file is not served any more once the file or its document is gone.
func (s *Store) Delete(ctx context.Context, id string) error {
	a, err := s.Get(ctx, id)
	if err != nil {
		return err
	}
	removed := s.files.Remove(a.Text("path")[1:])
	if errors.Is(removed, fs.ErrNotExist) {
		removed = nil
	}
	return errors.Join(removed, s.change(ctx, ErrNotFound, `DELETE FROM cms_assets WHERE id = $1`, id))
}

// open opens a file for reading and returns its type, or returns ErrNotFound.
func (s *Store) open(name string) (f *os.File, info fs.FileInfo, mime string, err error) {
	info, err = s.files.Stat(name[1:]) // first: opening a pipe would wait
	if errors.Is(err, fs.ErrNotExist) || err == nil && !info.Mode().IsRegular() {
		err = ErrNotFound
	}
	if err != nil {
		return nil, nil, "", err
	}
	if f, err = s.files.Open(name[1:]); err == nil {
		if mime, err = typeOf(f); err != nil {
			f.Close()
		}
	}
	return f, info, mime, err
}
