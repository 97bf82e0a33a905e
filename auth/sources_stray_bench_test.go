package auth

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// anonymousHeaders are what clients without a key send. Host is no header to net/http.
var anonymousHeaders = map[string]http.Header{
	"go":   {"User-Agent": {"Go-http-client/1.1"}, "Accept-Encoding": {"gzip"}},
	"curl": {"User-Agent": {"curl/8.5.0"}, "Accept": {"*/*"}},
	"session": {
		"User-Agent": {"curl/8.5.0"}, "Accept": {"*/*"}, "Cookie": {"session=0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef; theme=dark"},
	},
	"proxied": {
		"User-Agent": {"node-fetch/1.0 (+https://github.com/bitinn/node-fetch)"}, "Accept": {"*/*"}, "Accept-Encoding": {"gzip,deflate"},
		"X-Forwarded-For": {"203.0.113.195, 2001:db8:85a3:8d3:1319:8a2e:370:7348"}, "X-Forwarded-Proto": {"https"}, "X-Forwarded-Host": {"api.example.com"},
		"X-Request-Id": {"6f1c2a4e-7c7b-4a3a-9d5e-0b1f2c3d4e5f"}, "Traceparent": {"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"},
	},
	"browser": {
		"User-Agent": {"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36"},
		"Accept":     {"text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"}, "Accept-Encoding": {"gzip, deflate, br, zstd"},
		"Accept-Language": {"en-US,en;q=0.9,de;q=0.8"}, "Cache-Control": {"no-cache"}, "Referer": {"https://www.example.com/pages/about?utm_source=newsletter"},
		"Sec-Ch-Ua": {`"Chromium";v="126", "Google Chrome";v="126", "Not.A/Brand";v="24"`}, "Sec-Ch-Ua-Mobile": {"?0"}, "Sec-Ch-Ua-Platform": {`"Linux"`},
		"Sec-Fetch-Dest": {"document"}, "Sec-Fetch-Mode": {"navigate"}, "Sec-Fetch-Site": {"none"}, "If-None-Match": {`"3e1cb03b3f80f1b63e1cb03b3f80f1b63e1cb03b"`},
		"Cookie": {"session=0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef; _ga=GA1.1.1234567890.1234567890; theme=dark; csrf=Zm9vYmFyYmF6cXV4Zm9v"},
	},
}

func TestLookingForStrayKeysAllocatesNothing(t *testing.T) {
	f := newExtractor(Config{Sources: SourceAPIKeyHeader | SourceBearer}, defaultFormat)
	for name, h := range anonymousHeaders {
		shown, refusal := f.extract(h, "")
		require.Zero(t, shown, name)
		require.Nil(t, refusal, name)
		require.Zero(t, testing.AllocsPerRun(100, func() { f.extract(h, "") }), name)
	}
	for _, query := range []string{
		"filter=%7B%22title%22%3A%22a+long+enough+title+to+be+as+long+as+a+key%22%7D", "q=how+to+send+an+API+key+with+curl+and+not+in+the+query", "q=" + goodKey + "x;y",
		"token=theirs-and-as-long-as-a-key-of-ours-0123456789abcdef0123456789abcdef",
	} {
		_, refusal := f.extract(http.Header{"Api-Key": {goodKey}}, query)
		require.Nil(t, refusal, query)
		require.Zero(t, testing.AllocsPerRun(100, func() { f.extract(http.Header{}, query) }), query)
	}
}

// BenchmarkStray compares the search for stray keys in an anonymous request with a bare loop over its headers. The
// search may take 1.5 times as long.
//
//	go test -run '^$' -bench Stray ./auth
func BenchmarkStray(b *testing.B) {
	f := newExtractor(Config{Sources: SourceAPIKeyHeader | SourceBearer}, defaultFormat)
	const n, rounds = 2000, 100
	for name, h := range anonymousHeaders {
		b.Run(name, func(b *testing.B) {
			loop := func() {
				for range n {
					for range h {
						seen++
					}
				}
			}
			search := func() {
				for range n {
					if f.stray(h) != nil {
						b.Fatal("a key was found")
					}
				}
			}
			var bare, took []float64
			for b.Loop() {
				for range rounds {
					bare, took = append(bare, elapsed(loop, n)), append(took, elapsed(search, n))
				}
			}
			b.ReportMetric(middle(bare), "ns/loop")
			b.ReportMetric(middle(took), "ns/search")
			b.ReportMetric(middle(took)/middle(bare), "search÷loop")
			b.ReportMetric(0, "ns/op")
		})
	}
}

var seen int // so that the loop is not left out

func elapsed(f func(), n int) float64 {
	began := time.Now()
	f()
	return float64(time.Since(began).Nanoseconds()) / float64(n)
}

func middle(v []float64) float64 { return slices.Sorted(slices.Values(v))[len(v)/2] }
