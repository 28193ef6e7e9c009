package web

import "net/http"

func showKit(w http.ResponseWriter, r *Request) error { return nil }
func tryKit(w http.ResponseWriter, r *Request) error  { return nil }
