# cmake -DFROM=FOLDER -DTO=FOLDER -P: keeps include/ and lib/ of a library that was built. Two trees may do so at once:
# whoever is first wins, and nobody ever sees half of it.
string(RANDOM LENGTH 12 name)
file(COPY ${FROM}/include ${FROM}/lib DESTINATION ${TO}.${name})
file(RENAME ${TO}.${name} ${TO} RESULT failed)
if(failed)
  file(REMOVE_RECURSE ${TO}.${name})
endif()
