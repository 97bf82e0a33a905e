package cockpit

import "net/http"

// CORS puts Cockpit's cross-origin headers on every answer of next, and answers OPTIONS on any address with an empty
// 200 before a key is required: preflights carry none. It goes outside the guard, around the API alone, since
// next never sees an OPTIONS request.
//
// Pages of every origin may read the answers of next to requests with a key or without. CORS does not allow credentials,
// and next must not either: browsers refuse "*" together with them, so pages elsewhere read nothing by a visitor's
// cookie.
func CORS(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Access-Control-Allow-Origin", "*")
		h.Set("Access-Control-Allow-Headers", allowedHeaders)
		h.Set("Access-Control-Allow-Methods", allowedMethods)
		if r.Method == http.MethodOptions {
			h.Set("Content-Type", "application/json; charset=UTF-8")
			w.WriteHeader(http.StatusOK)
			return
		}
		next.ServeHTTP(w, r)
	})
}

const (
	allowedHeaders = "X-Requested-With, Content-Type, Origin, Cache-Control, Pragma, Authorization, Accept, Accept-Encoding, API-KEY"
	allowedMethods = "PUT, POST, GET, OPTIONS, DELETE"
)
