# find_package(chatroom) after an installation: defines the target chatroom::chatroom.
get_filename_component(_chatroom_prefix "${CMAKE_CURRENT_LIST_DIR}/../../.." ABSOLUTE)
if(NOT TARGET chatroom::chatroom)
    find_package(Threads REQUIRED)
    add_library(chatroom::chatroom SHARED IMPORTED)
    set_target_properties(chatroom::chatroom PROPERTIES
        IMPORTED_LOCATION "${_chatroom_prefix}/lib/libchatroom.so"
        IMPORTED_SONAME "libchatroom.so.0"
        INTERFACE_INCLUDE_DIRECTORIES "${_chatroom_prefix}/include"
        INTERFACE_LINK_LIBRARIES Threads::Threads)
endif()
unset(_chatroom_prefix)
