package pages

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/latchkey-go/latchkey/examples/cms/assets"
)

// assetPermissions are Cockpit's. With one of them, a user sees the assets.
var assetPermissions = []string{"assets/upload", "assets/edit", "assets/delete", "assets/folders/create", "assets/folders/edit", "assets/folders/delete"}

func (p *Pages) registerAssets(mux *http.ServeMux) {
	page := func(pattern string, h func(http.ResponseWriter, *http.Request) error, permissions ...string) {
		p.page(mux, pattern, func(w http.ResponseWriter, r *http.Request) {
			err := error(assets.Mistake("This server has no folder for uploaded files: its operator names one with -uploads"))
			if p.Assets != nil {
				err = h(w, r)
			}
			if err != nil {
				p.fail(w, r, err)
			}
		}, permissions...)
	}
	page("GET /assets", p.showAssets, assetPermissions...)
	page("GET /assets/asset/{id}", p.showAssets, assetPermissions...)
	page("POST /assets/upload", p.upload, "assets/upload")
	// change registers a form. f makes the change, and returns the folder to show then.
	change := func(pattern, permission, done string, f func(r *http.Request, id string, form url.Values) (string, error)) {
		page(pattern, func(w http.ResponseWriter, r *http.Request) error {
			if !readForm(w, r) {
				return assets.Mistake("This form could not be read. Nothing was changed")
			}
			folder, err := f(r, r.PathValue("id"), r.PostForm)
			if err == nil {
				http.Redirect(w, r, "/assets?"+url.Values{"folder": {folder}, "done": {done}}.Encode(), http.StatusSeeOther)
			}
			return err
		}, permission)
	}
	change("POST /assets/asset/{id}", "assets/edit", "saved", func(r *http.Request, id string, form url.Values) (string, error) {
		members := assets.Asset{}
		for _, name := range []string{"title", "altText", "description", "folder"} {
			members[name] = form.Get(name)
		}
		return form.Get("folder"), p.Assets.Edit(r.Context(), id, members, p.visitor(r).UserID())
	})
	change("POST /assets/asset/{id}/delete", "assets/delete", "deleted", func(r *http.Request, id string, form url.Values) (string, error) {
		return form.Get("folder"), p.Assets.Delete(r.Context(), id)
	})
	change("POST /assets/folders", "assets/folders/create", "created", func(r *http.Request, _ string, form url.Values) (string, error) {
		return form.Get("folder"), p.Assets.AddFolder(r.Context(), assets.Folder{Name: form.Get("name"), Parent: form.Get("folder")})
	})
	change("POST /assets/folders/{id}", "assets/folders/edit", "saved", func(r *http.Request, id string, form url.Values) (string, error) {
		return id, p.Assets.RenameFolder(r.Context(), id, form.Get("name"))
	})
	change("POST /assets/folders/{id}/delete", "assets/folders/delete", "deleted", func(r *http.Request, id string, form url.Values) (string, error) {
		return form.Get("folder"), p.Assets.DeleteFolder(r.Context(), id)
	})
}

// An assetView is the data of the list, and of the page of one asset.
type assetView struct {
	Folder         assets.Folder   // that is shown
	Folders        []assets.Folder // all of them
	Assets         []assets.Asset  // of the folder; or the one that is shown
	Earlier, Later int             // page numbers; 0 is none
	May            func(permission string) bool
}

// showAssets shows a folder, or the {id} of the address.
func (p *Pages) showAssets(w http.ResponseWriter, r *http.Request) (err error) {
	v := assetView{May: func(permission string) bool { return may(r, permission) }}
	if v.Folders, err = p.Assets.Folders(r.Context()); err != nil {
		return err
	}
	show := func(folder string) bool {
		at := slices.IndexFunc(v.Folders, func(f assets.Folder) bool { return f.ID == folder })
		if at >= 0 {
			v.Folder = v.Folders[at]
		}
		return at >= 0 || folder == ""
	}
	if id := r.PathValue("id"); id != "" {
		a, err := p.Assets.Get(r.Context(), id)
		if err == nil {
			show(a.Text("folder"))
			v.Assets = []assets.Asset{a}
			p.render(w, r, http.StatusOK, "asset", a.Text("title"), v)
		}
		return err
	}
	if !show(r.URL.Query().Get("folder")) {
		return assets.ErrNotFound
	}
	number, _ := strconv.Atoi(r.URL.Query().Get("page"))
	number = min(max(number, 1), 1<<20)
	v.Assets, err = p.Assets.Page(r.Context(), v.Folder.ID, pageSize+1, (number-1)*pageSize)
	if v.Earlier = number - 1; len(v.Assets) > pageSize {
		v.Assets, v.Later = v.Assets[:pageSize], number+1
	}
	if err == nil {
		p.render(w, r, http.StatusOK, "assets", "Assets", v)
	}
	return err
}

// upload stores the files of a form. Those before a mistake stay.
func (p *Pages) upload(w http.ResponseWriter, r *http.Request) error {
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(5 * time.Minute))
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(6 * time.Minute))
	r.Body = http.MaxBytesReader(w, r.Body, assets.MostUpload+mostForm)
	if err := r.ParseMultipartForm(mostForm); err != nil || len(r.MultipartForm.File["files"]) == 0 {
		return assets.Mistake("No file was sent, or the files are larger than 32 MiB together")
	}
	defer r.MultipartForm.RemoveAll()
	folder := r.PostForm.Get("folder")
	for _, sent := range r.MultipartForm.File["files"] {
		f, err := sent.Open()
		if err == nil {
			err = errors.Join(p.Assets.Upload(r.Context(), sent.Filename, folder, p.visitor(r).UserID(), f), f.Close())
		}
		if err != nil {
			return err
		}
	}
	http.Redirect(w, r, "/assets?done=uploaded&folder="+url.QueryEscape(folder), http.StatusSeeOther)
	return nil
}
