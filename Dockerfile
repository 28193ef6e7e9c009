# docker build -t regulars .
# docker run -p 127.0.0.1:8080:8080 -v regulars:/data regulars
FROM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION=unreleased
RUN CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags "-s -w -X main.version=$VERSION" -o /out/regulars ./cmd/regulars \
	&& mkdir -p /out/own/data /out/own/tmp && chmod 700 /out/own/*

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
# Folders keep their rights only when they are copied within another.
COPY --from=build --chown=10001:10001 /out/own/ /
COPY --from=build /out/regulars /regulars
USER 10001:10001
WORKDIR /data
VOLUME /data
EXPOSE 8080
ENV REGULARS_DB=/data/regulars.db REGULARS_ADDR=:8080
ENTRYPOINT ["/regulars"]
CMD ["serve"]
