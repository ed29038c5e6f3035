# SPDX-License-Identifier: Apache-2.0
# How every file of ours is compiled and linked. Targets take it with
# target_link_libraries(NAME PRIVATE zegel_flags); generated code takes zegel_hardening alone.
include(CheckCCompilerFlag)

add_library(zegel_hardening INTERFACE)
add_library(zegel_flags INTERFACE)
target_link_libraries(zegel_flags INTERFACE zegel_hardening)

set(warnings
	-Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow -Wcast-qual -Wvla
	-Wswitch-enum -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition
	-Wredundant-decls -Wwrite-strings -Wpointer-arith -Wundef -Wformat=2 -Walloca
	-Wnull-dereference -Wimplicit-fallthrough -Wdate-time -Werror)
if(CMAKE_C_COMPILER_ID STREQUAL "Clang")
	list(APPEND warnings -Wassign-enum)
else()
	list(APPEND warnings
		-Warith-conversion -Wformat-signedness -Wcast-align=strict -Wduplicated-cond
		-Wduplicated-branches -Wlogical-op -Wjump-misses-init -Wtrampolines
		-Wbidi-chars=any)
endif()
target_compile_options(zegel_flags INTERFACE ${warnings})
target_compile_definitions(zegel_hardening INTERFACE _GNU_SOURCE)
target_compile_options(zegel_hardening INTERFACE
	-g -fno-common -fno-strict-aliasing -fno-delete-null-pointer-checks
	"-ffile-prefix-map=${PROJECT_SOURCE_DIR}=.")

if(ZEGEL_SANITIZE STREQUAL "address")
	set(sanitizers -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
elseif(ZEGEL_SANITIZE STREQUAL "thread")
	set(sanitizers -fsanitize=thread -fno-omit-frame-pointer)
elseif(NOT ZEGEL_SANITIZE STREQUAL "")
	message(FATAL_ERROR "ZEGEL_SANITIZE is \"${ZEGEL_SANITIZE}\"; expected empty, address or thread")
endif()
if(ZEGEL_FUZZ)
	list(APPEND sanitizers -fsanitize=fuzzer-no-link)
endif()

if(sanitizers)
	target_compile_options(zegel_hardening INTERFACE ${sanitizers} -O1)
	target_link_options(zegel_hardening INTERFACE ${sanitizers})
else()
	foreach(flag
		-fstack-protector-strong -fstack-clash-protection -fcf-protection=full
		-mbranch-protection=standard -ftrivial-auto-var-init=zero
		-fzero-call-used-regs=used-gpr -fno-strict-overflow)
		string(MAKE_C_IDENTIFIER "HAVE${flag}" have)
		check_c_compiler_flag("-Werror ${flag}" ${have})
		if(${have})
			target_compile_options(zegel_hardening INTERFACE ${flag})
		endif()
	endforeach()
	target_compile_options(zegel_hardening INTERFACE -O2 -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3)
	target_link_options(zegel_hardening INTERFACE
		-Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack -Wl,-z,separate-code -Wl,-z,defs
		-Wl,--as-needed -Wl,--fatal-warnings -Wl,--build-id=sha1)
endif()
target_link_options(zegel_hardening INTERFACE $<$<STREQUAL:$<TARGET_PROPERTY:TYPE>,EXECUTABLE>:-pie>)
