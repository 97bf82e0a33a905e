package assets

import (
	"bytes"
	"io"
	"net/http"
	"strings"
)

// typeOf returns the media type of a file by its first bytes. Names and documents do not count: a web
// page that is called cat.png is a web page.
func typeOf(f io.ReaderAt) (string, error) {
	head, err := io.ReadAll(io.NewSectionReader(f, 0, 512))
	mime := http.DetectContentType(head)
	switch text := bytes.ToLower(bytes.TrimSpace(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf")))); {
	case bytes.HasPrefix(text, []byte("<")) && bytes.Contains(text, []byte("<svg")) && !strings.HasPrefix(mime, "text/html"):
		mime = "image/svg+xml"
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
// script runs in an answer that is shown, and nothing else is loaded.
func protect(h http.Header, mime string) {
	h.Set("Content-Type", mime)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "sandbox; default-src 'none'; img-src 'self' data:; media-src 'self'; style-src 'unsafe-inline'")
	if kind(mime) == "document" && !strings.HasPrefix(mime, "text/plain") {
		h.Set("Content-Disposition", "attachment")
	}
}
