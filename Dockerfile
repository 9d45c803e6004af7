# Debian and not Alpine: the service is tested with glibc. The embedded database is a native module that npm installs
# prebuilt. No stage compiles code, and npm runs no install script of a package.
FROM node:22.20.0-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY nest-cli.json tsconfig.json tsconfig.build.json vite.config.ts ./
COPY src ./src
COPY web ./web
RUN npm run build

FROM node:22.20.0-bookworm-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json ./
# Source maps and type declarations are half of the packages, and nothing reads them here.
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund \
  && find node_modules -type f \( -name '*.map' -o -name '*.d.ts' -o -name '*.d.mts' -o -name '*.d.cts' \) -delete

FROM node:22.20.0-bookworm-slim
# HOST's default, 127.0.0.1, can be reached only from inside the container.
ENV NODE_ENV=production HOST=0.0.0.0 DATA_DIR=/data
WORKDIR /app
# A new volume takes its owner from the directory that it covers. Only the embedded profile writes there. The group root
# may write too: OpenShift runs an image under a user that it chooses, whose group is root.
RUN install -d -o node -g root -m 0770 /data
COPY --from=dependencies /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
COPY package.json ./
USER node
EXPOSE 3000
STOPSIGNAL SIGTERM
# Liveness, not readiness: some schedulers replace an unhealthy container, and a restart brings no broker back.
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT || 3000}/health/live`).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
# The heap has room for a drop, and keeps the room until the drop comes; see docs/deployment.md.
CMD ["node", "--max-semi-space-size=64", "--heap-growing-percent=100", "--no-memory-reducer", "dist/main.js"]
