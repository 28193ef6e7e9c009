package web_test

import (
	"net/http/httptest"
	"testing"
)

// The kit's page is as large as the largest: 100 KB with all components.
func BenchmarkShowingAPage(b *testing.B) {
	t := &testing.T{}
	s := serve(t)
	r := httptest.NewRequest("GET", "/dev/kit", nil)
	s.ServeHTTP(httptest.NewRecorder(), r)
	b.ReportAllocs()
	for b.Loop() {
		s.ServeHTTP(httptest.NewRecorder(), r)
	}
}

func BenchmarkStartingTheServer(b *testing.B) {
	for b.Loop() {
		serve(&testing.T{})
	}
}
