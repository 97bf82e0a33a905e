package assets

import (
	"bytes"
	"fmt"
	"image"
	_ "image/gif" // to measure
	"image/jpeg"
	"image/png"
	"io"
	"math"
	"net/url"
	"os"
	"slices"
	"strconv"

	"golang.org/x/image/draw"
)

// The bounds of a picture. A larger one is refused before it is decoded.
const (
	mostPixels = 25_000_000
	mostSide   = 2500    // of the picture that is made
	mostBuffer = 4 << 20 // pixels between the two passes of the better method
	mostSVG    = 4 << 20 // bytes
)

// A size is a wanted picture, as Cockpit's parameters say: w and h, of which one may be missing; m, the mode, which is
// thumbnail (cuts out) or resize (stretches); mime, jpg or png; q, the quality of a JPEG.
type size struct {
	width, height, quality int
	mode, mime             string
}

// parseSize reads the parameters. Those that are not supported are refused by name.
func parseSize(q url.Values) (s size, err error) {
	number := func(name string) int {
		n, _ := strconv.Atoi(q.Get(name)) // 0 for a word, as in PHP
		return n
	}
	s = size{max(number("w"), 0), max(number("h"), 0), 80, q.Get("m"), q.Get("mime")}
	switch s.mode {
	case "", "thumbnail", "resize":
	default:
		err = Mistake("The mode <" + s.mode + "> is not supported: use thumbnail or resize")
	}
	for name := range q { // r has Cockpit make it anew, t is against caches
		if !slices.Contains([]string{"w", "h", "m", "mime", "q", "o", "re", "r", "t", "api_key"}, name) || q.Get(name) == "original" {
			err = Mistake("<" + name + "=" + q.Get(name) + "> is not supported")
		}
	}
	if s.width == 0 && s.height == 0 {
		err = Mistake("Target width or height parameter is missing")
	}
	if q.Has("q") {
		s.quality = min(max(number("q"), 1), 100)
	}
	return s, err
}

// picture returns an asset's picture in another size. Pictures in JPEG and PNG can be scaled; one in SVG is returned
// unchanged. Another mode or format is refused by name.
func (s *Store) picture(a Asset, wanted size) (mime string, body []byte, err error) {
	f, info, mime, err := s.open(a.Text("path"))
	if err != nil {
		return "", nil, err
	}
	defer f.Close()
	switch {
	case mime == "image/svg+xml" && info.Size() <= mostSVG:
		body, err = io.ReadAll(f)
		return mime, body, err
	case kind(mime) != "image":
		return "", nil, ErrNotFound
	case mime != "image/png" && mime != "image/jpeg":
		return "", nil, Mistake("A picture in <" + mime + "> is not scaled here: ask for the file")
	}
	switch wanted.mime {
	case "", "auto":
	case "png":
		mime = "image/png"
	case "jpg", "jpeg":
		mime = "image/jpeg"
	default:
		return "", nil, Mistake("The format <" + wanted.mime + "> is not supported: use jpg or png")
	}
	body, err = scale(f, wanted, mime == "image/jpeg")
	return mime, body, err
}

func scale(f *os.File, wanted size, asJPEG bool) ([]byte, error) {
	from, _, err := image.DecodeConfig(io.NewSectionReader(f, 0, math.MaxInt64)) // which does not decode the picture
	if err != nil || from.Width < 1 || from.Height < 1 || from.Width > mostPixels/from.Height {
		return nil, Mistake(fmt.Sprintf("The picture cannot be read, or has more than %d pixels", mostPixels))
	}
	w, h, part := wanted.of(from.Width, from.Height)
	if max(w, h) > mostSide {
		return nil, Mistake(fmt.Sprintf("The picture would be %d x %d: a side has at most %d pixels here", w, h, mostSide))
	}
	source, _, err := image.Decode(f)
	if err != nil {
		return nil, Mistake("The picture cannot be read")
	}
	var method draw.Scaler = draw.CatmullRom
	if w*part.Dy() > mostBuffer {
		method = draw.ApproxBiLinear
	}
	made := image.NewNRGBA(image.Rect(0, 0, w, h))
	if asJPEG { // which has no transparency
		draw.Draw(made, made.Bounds(), image.White, image.Point{}, draw.Src)
	}
	method.Scale(made, made.Bounds(), source, part.Add(source.Bounds().Min), draw.Over, nil)
	var out bytes.Buffer
	if asJPEG {
		err = jpeg.Encode(&out, made, &jpeg.Options{Quality: wanted.quality})
	} else {
		err = png.Encode(&out, made)
	}
	return out.Bytes(), err
}

// of returns the size of the picture to make from one of w x h pixels, and the part of that one which it shows.
func (s size) of(w, h int) (width, height int, part image.Rectangle) {
	share := func(n, a, b int) int { return int(math.Ceil(float64(n) * float64(a) / float64(b))) }
	width, height = s.width, s.height
	if width == 0 {
		width = share(height, w, h)
	}
	if height == 0 {
		height = share(width, h, w)
	}
	if s.mode == "resize" {
		return width, height, image.Rect(0, 0, w, h)
	}
	cut := image.Pt(min(w, max(1, share(h, width, height))), min(h, max(1, share(w, height, width))))
	return width, height, image.Rectangle{Max: cut}.Add(image.Pt(w-cut.X, h-cut.Y).Div(2))
}
