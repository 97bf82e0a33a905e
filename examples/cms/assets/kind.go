package assets

import (
	"bytes"
	"io"
	"net/http"
	"strings"
)

const svg = "image/svg+xml"

// typeOf returns the media type of a file by its first bytes, and rewinds the file. Names and documents do not count: a web
// page that is called cat.png is a web page.
func typeOf(f io.ReadSeeker) (string, error) {
	head, err := io.ReadAll(io.LimitReader(f, 512))
	if err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	mime := http.DetectContentType(head)
	switch text := bytes.ToLower(bytes.TrimSpace(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf")))); {
	case bytes.HasPrefix(text, []byte("<")) && bytes.Contains(text, []byte("<svg")) && !strings.HasPrefix(mime, "text/html"):
		mime = svg
	case len(head) >= 12 && (string(head[4:12]) == "ftypavif" || string(head[4:12]) == "ftypavis"):
		mime = "image/avif"
	}
	return mime, err
}

// kind returns Cockpit's word for a media type.
func kind(mime string) string {
	switch first, _, _ := strings.Cut(mime, "/"); first {
	case "image", "video", "audio":
		return first
	}
	return "document"
}

// protect sets the headers of a file. Pictures, sound, films and plain text are shown; anything else is downloaded. No
// script runs in what is shown, and nothing else is loaded.
func protect(h http.Header, mime string) {
	h.Set("Content-Type", mime)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "sandbox; default-src 'none'; img-src 'self' data:; media-src 'self'; style-src 'unsafe-inline'")
	if kind(mime) == "document" && !strings.HasPrefix(mime, "text/plain") {
		h.Set("Content-Disposition", "attachment")
	}
}
