import { register } from 'node:module';

// `node --import` this file to run a TypeScript child process of a test without building the project first.
register('./typescript-hooks.mjs', import.meta.url);
