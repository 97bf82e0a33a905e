package main

import (
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"

	"github.com/latchkey-go/latchkey/examples/cms/assets"
)

// moveAssets copies uploaded files and their documents. Files without a document are not copied.
func moveAssets(ctx context.Context, from *storage, to *target, dryRun bool, say func(string, ...any)) (err error) {
	total, err := rowsOf(ctx, from.app, "assets")
	if err != nil || total == 0 {
		return err
	}
	if to.uploads == "" {
		say("refused: %d assets: name a folder for their files with -uploads", total)
		return nil
	}
	files, err := os.OpenRoot(filepath.Join(from.folder, "uploads"))
	if err != nil {
		return err
	}
	defer files.Close()
	var store *assets.Store // nil in a dry run
	if !dryRun {
		if store, err = assets.Open(to.db.DB, to.uploads); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, store.Close()) }()
	}
	refused := func(what string, d assets.Asset, err error) bool {
		mistake, ok := errors.AsType[assets.Mistake](err)
		if ok {
			say("refused: %s %q: %s", what, d.Text("_id"), mistake)
		}
		return ok
	}
	for item, err := range documents(ctx, from.app, "assets_folders") {
		d := assets.Asset(item)
		if err == nil && store != nil {
			err = store.AddFolder(ctx, assets.Folder{ID: d.Text("_id"), Parent: d.Text("_p"), Name: d.Text("name")})
		}
		if err != nil && !refused("folder", d, err) {
			return err
		}
	}
	added := 0
	for item, err := range progress(documents(ctx, from.app, "assets"), "assets", total, say) {
		there := true
		if err == nil {
			there, err = assets.Has(ctx, to.db.DB, assets.Asset(item))
		}
		if err == nil && !there {
			err = moveAsset(ctx, assets.Asset(item), files, store)
		}
		switch {
		case err == nil && !there:
			added++
		case err != nil && !refused("asset", assets.Asset(item), err):
			return err
		}
	}
	say("assets: %d new of %d", added, total)
	return nil
}

func moveAsset(ctx context.Context, a assets.Asset, files *os.Root, store *assets.Store) error {
	path := a.Text("path")[1:]
	if info, err := files.Stat(path); err != nil || !info.Mode().IsRegular() {
		return assets.Mistake("its file is missing")
	}
	if store == nil {
		return nil
	}
	f, err := files.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	return store.Add(ctx, a, f, math.MaxInt64-1, nil)
}
