# The service alone: compiled, with production dependencies, as a user without rights. Its files are
# never written, so it runs on a read-only root file system:
#   docker run --read-only --cap-drop ALL --security-opt no-new-privileges tenantgate
FROM node:26-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts
COPY tsconfig.json tsconfig.build.json ./
COPY src ./src
COPY bin ./bin
RUN npx tsc -p tsconfig.build.json

FROM node:26-bookworm-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev --omit=peer --ignore-scripts

FROM node:26-bookworm-slim
ENV NODE_ENV=production
WORKDIR /app
COPY package.json ./
COPY --from=dependencies /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
COPY bin ./bin
COPY envoy ./envoy
COPY protos ./protos
USER node
EXPOSE 9191 9180
# Alive, not ready: a dependency that is down is not mended by another start.
HEALTHCHECK --interval=5s --timeout=2s --start-period=5s \
  CMD ["node", "-e", "fetch('http://127.0.0.1:9180/livez').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
# Node as process 1 handles SIGTERM itself (the service drains) and looks after the workers that it starts
# with TENANTGATE_WORKERS, so there is nothing for an init to do.
ENTRYPOINT ["node", "dist/main.js"]
CMD ["serve"]
