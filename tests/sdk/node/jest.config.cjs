// How jest runs the test files of the official Node SDK: the files are the package's own, copied and not changed; the
// SDK they import is the compiled one that the package ships to its users.
'use strict';

module.exports = {
  rootDir: process.env.BOXWOOD_SDK_WORK,
  roots: [`${process.env.BOXWOOD_SDK_RUN}/suite`],
  cacheDirectory: `${process.env.BOXWOOD_SDK_RUN}/jest-cache`,
  testEnvironment: 'node',
  // A model of 1.5 billion parameters on two cores that others use too.
  testTimeout: 600000,
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
