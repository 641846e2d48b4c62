import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

/** A server of Antiphon for `npm run dev`; another address in ANTIPHON_URL. */
const SERVER = process.env.ANTIPHON_URL ?? "http://127.0.0.1:8000";

export default defineConfig({
  base: "/static/",
  plugins: [react()],
  build: {
    outDir: "../src/antiphon/server/static",
    emptyOutDir: true,
    assetsInlineLimit: 0, // the page's policy allows no inline script, style or font
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 400,
  },
  server: {
    proxy: Object.fromEntries(
      ["/v1", "/about"].map((path) => [path, { target: SERVER, changeOrigin: true }]),
    ),
  },
  test: { include: ["tests/**/*.test.ts"], environment: "node", reporters: ["default"] },
});
