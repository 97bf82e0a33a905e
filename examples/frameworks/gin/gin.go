// Package gin guards github.com/gin-gonic/gin.
package gin

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/examples/frameworks/content"
)

// Router returns the routes. Serve guard.Identify(router). Handlers use the context of c.Request, which has the caller:
// c itself has it only with engine.ContextWithFallback.
func Router(guard *auth.Guard, store *content.Store) *gin.Engine {
	engine := gin.New()
	engine.UseRawPath = true // else gin takes an encoded slash for one of the path
	menus := func(c *gin.Context) { c.JSON(http.StatusOK, store.Menus()) }
	engine.GET("/api/pages/menus", require(guard, "content/pages/read"), menus)
	engine.HEAD("/api/pages/menus", require(guard, "content/pages/read"), menus)
	engine.POST("/api/content/:model", require(guard, "content/{model}/create"), func(c *gin.Context) {
		c.JSON(http.StatusCreated, store.Create(c.Request.Context(), c.Param("model")))
	})
	return engine
}

// Patterns lists the routes for authtest.SweepHandler: gin tells only the last of their handlers.
func Patterns(engine *gin.Engine) (patterns []string) {
	for _, route := range engine.Routes() {
		patterns = append(patterns, route.Method+" "+route.Path)
	}
	return patterns
}

// glue

// require is guard.Middleware for gin. It tells the guard the path values and the pattern, and stops gin's chain when the
// guard has refused.
func require(guard *auth.Guard, permission string) gin.HandlerFunc {
	gate := guard.Middleware(permission)
	return func(c *gin.Context) {
		for _, p := range c.Params {
			c.Request.SetPathValue(p.Key, p.Value)
		}
		c.Request.Pattern = c.FullPath()
		gate(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			c.Request = r
			c.Next()
		})).ServeHTTP(c.Writer, c.Request)
		c.Abort() // what follows has run in Next, or must not run
	}
}
