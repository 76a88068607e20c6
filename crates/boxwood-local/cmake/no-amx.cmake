# Included by CMake after llama.cpp's project() line (CMAKE_PROJECT_INCLUDE in .cargo/config.toml).
#
# llama.cpp's AMX kernels crash on Q4_K_M weights on Sapphire Rapids class machines (ggml-org/llama.cpp #20824,
# reproduced here with the default model), and a native build turns them on wherever the processor has them.
# Without AMX the same machines use AVX-512/VNNI, which is what our figures were measured with.
include(CheckCXXCompilerFlag)
check_cxx_compiler_flag(-mno-amx-tile BOXWOOD_COMPILER_KNOWS_AMX)
if(BOXWOOD_COMPILER_KNOWS_AMX AND CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
  add_compile_options(-mno-amx-tile -mno-amx-int8 -mno-amx-bf16)
endif()
