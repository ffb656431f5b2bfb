# Longwatch: one image for the API, the worker and the model's endpoint; the command decides.
FROM node:24-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
# Optional packages hold compilers that the build needs, and the servers that npm start embeds; they leave with the tools.
RUN npm ci
COPY tsconfig.json tsconfig.build.json ./
COPY src ./src
COPY scripts ./scripts
RUN npm run build && npm prune --omit=dev --omit=optional

FROM node:24-bookworm-slim
ENV NODE_ENV=production
WORKDIR /app
RUN useradd --system --uid 10001 longwatch
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
COPY web ./web
COPY package.json ./
COPY model/fraud.json model/fraud.card.json model/fraud.baseline.json ./model/
# As SageMaker calls the container of an endpoint.
COPY docker/serve /usr/local/bin/serve
USER longwatch
EXPOSE 3000 8080 9464
STOPSIGNAL SIGTERM
CMD ["node", "dist/main.js", "api"]
