package web

import "html/template"

// FuncNames lets tests parse templates on their own.
func FuncNames() template.FuncMap { return (&bound{}).funcs(&Server{assets: &assetSet{}}) }
