// How jest runs the test files of the official Node SDK: the files are the package's own, copied and not changed; the
// SDK they import is the compiled one that the package ships to its users.
'use strict';

module.exports = {
  rootDir: process.env.BOXWOOD_SDK_WORK,
  roots: ['<rootDir>/suite'],
  cacheDirectory: '<rootDir>/jest-cache',
  testEnvironment: 'node',
  testTimeout: 180000,
  transform: {
    '^.+\\.ts$': [
      'ts-jest',
      {
        diagnostics: false,
        tsconfig: { target: 'es2020', module: 'commonjs', moduleResolution: 'node', esModuleInterop: true, isolatedModules: true },
      },
    ],
  },
  moduleNameMapper: { '^@/(.*)$': '<rootDir>/node_modules/box-node-sdk/lib/$1' },
};
