// Package echo guards github.com/labstack/echo, version 5.
package echo

import (
	"net/http"

	"github.com/labstack/echo/v5"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/examples/frameworks/content"
)

// Router returns the routes. Serve guard.Identify(router). Echo's WrapMiddleware passes the path values on.
func Router(guard *auth.Guard, store *content.Store) *echo.Echo {
	e := echo.New()
	require := func(permission string) echo.MiddlewareFunc { return echo.WrapMiddleware(guard.Middleware(permission)) }
	menus := func(c *echo.Context) error { return c.JSON(http.StatusOK, store.Menus()) }
	e.GET("/api/pages/menus", menus, require("content/pages/read"))
	e.HEAD("/api/pages/menus", menus, require("content/pages/read"))
	e.POST("/api/content/:model", func(c *echo.Context) error {
		return c.JSON(http.StatusCreated, store.Create(c.Request().Context(), c.Param("model")))
	}, require("content/{model}/create"))
	return e
}

// Patterns lists the routes for authtest.SweepHandler: echo does not tell their handlers.
func Patterns(e *echo.Echo) (patterns []string) {
	for _, route := range e.Router().Routes() {
		patterns = append(patterns, route.Method+" "+route.Path)
	}
	return patterns
}
