import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import { defineConfig, type Plugin } from 'vite';

const WEB = join(import.meta.dirname, 'web');
const OUT = join(import.meta.dirname, 'dist/web');

export default defineConfig({
  root: WEB,
  // Each page has a <base>, so a proxy may put any path in front of the service.
  base: './',
  build: {
    outDir: OUT,
    emptyOutDir: true,
    target: 'es2022',
    // The content security policy allows no data: scripts and styles.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rolldownOptions: {
      input: {
        shop: join(WEB, 'shop.html'),
        console: join(WEB, 'console.html'),
        embed: join(WEB, 'src/embed/embed.ts'),
      },
      // Its address stands in other people's pages.
      output: { entryFileNames: ({ name }) => (name === 'embed' ? 'embed.js' : 'assets/[name]-[hash].js') },
    },
  },
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  plugins: [precompressed()],
});

/** Compresses each file once, so that the service spends no processor on it while a drop runs. */
function precompressed(): Plugin {
  return {
    name: 'precompressed',
    closeBundle() {
      const assets = join(OUT, 'assets');
      for (const name of readdirSync(assets)) {
        if (!/\.(js|css|svg)$/.test(name)) continue;
        const file = join(assets, name);
        if (statSync(file).size < 1_024) continue;
        const content = readFileSync(file);
        const quality = { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY };
        writeFileSync(`${file}.br`, brotliCompressSync(content, { params: quality }));
        writeFileSync(`${file}.gz`, gzipSync(content, { level: 9 }));
      }
    },
  };
}
