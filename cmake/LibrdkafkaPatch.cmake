# cmake -P in librdkafka's source folder: five changes of ours to version 2.8.0 (docs/adr/0009).

function(replace_once file before after)
  file(READ ${file} text)
  string(FIND "${text}" "${after}" done)
  if(done GREATER -1)
    return()
  endif()
  string(FIND "${text}" "${before}" first)
  string(FIND "${text}" "${before}" last REVERSE)
  if(first EQUAL -1 OR NOT first EQUAL last)
    message(FATAL_ERROR "${file} is not that of the version this change was written for: look at it again")
  endif()
  string(REPLACE "${before}" "${after}" text "${text}")
  file(WRITE ${file} "${text}")
endfunction()

# A consumed record without headers says so (as documented), instead of an empty list that is made and freed for every
# record: 80-100 ns each, a third of all it costs to consume.
replace_once(src/rdkafka_msg.c
  "unlikely(!RD_KAFKAP_BYTES_LEN(&rkm->rkm_u.consumer.binhdrs)))"
  "unlikely(!RD_KAFKAP_BYTES_LEN(&rkm->rkm_u.consumer.binhdrs)) ||
            (RD_KAFKAP_BYTES_LEN(&rkm->rkm_u.consumer.binhdrs) == 1 &&
             *(const char *)rkm->rkm_u.consumer.binhdrs.data == 0))")

# An idempotent producer has one request of a partition under way. While it waits for the answer and more is ready, it
# asks poll() for news without a pause; the answer wakes it anyway.
replace_once(src/rdkafka_broker.c
  "        /* Check if allowed to create and enqueue a ProduceRequest */
        if (max_requests <= 0)
                return 0;"
  "        /* Check if allowed to create and enqueue a ProduceRequest */
        if (max_requests <= 0 && inflight > 0)
                *next_wakeup = now + 1000000;
        if (max_requests <= 0)
                return 0;")

# A topic that comes back with another id leaves the metadata cache's tree by id before its entry is freed. Without
# this, whoever deletes a topic and makes it again, or a broker that says so, makes every client use freed memory.
replace_once(src/rdkafka_metadata_cache.c
  "        } else if (old && !RD_KAFKA_UUID_IS_ZERO(
                              old->rkmce_metadata_internal_topic.topic_id)) {
                /* If it had a topic id, remove it from the tree */
                RD_AVL_REMOVE_ELM(&rk->rk_metadata_cache.rkmc_avl_by_id, old);
        }"
  "        }
        if (old &&
            !RD_KAFKA_UUID_IS_ZERO(
                old->rkmce_metadata_internal_topic.topic_id) &&
            rd_kafka_Uuid_cmp(old->rkmce_metadata_internal_topic.topic_id,
                              rkmce->rkmce_metadata_internal_topic.topic_id)) {
                /* It had another topic id: remove it from the tree */
                RD_AVL_REMOVE_ELM(&rk->rk_metadata_cache.rkmc_avl_by_id, old);
        }")

# Whose transaction a record belongs to, for those who look at what is not committed: the library keeps it to itself.
replace_once(src/rdkafka_msg.h
  "                        int32_t leader_epoch;      /**< Leader epoch at the time
                                                    *   the message was fetched. */
                } consumer;"
  "                        int32_t leader_epoch;      /**< Leader epoch at the time
                                                    *   the message was fetched. */
                        int64_t producer_id;       /**< Of its batch; -1: none */
                } consumer;")
replace_once(src/rdkafka_msgset_reader.c
  "        rkm->rkm_u.consumer.binhdrs.len  = hdr.Headers.len;"
  "        rkm->rkm_u.consumer.producer_id  = msetr->msetr_v2_hdr->PID;
        rkm->rkm_u.consumer.binhdrs.len  = hdr.Headers.len;")
replace_once(src/rdkafka_msg.c
  "int32_t rd_kafka_message_leader_epoch(const rd_kafka_message_t *rkmessage) {"
  "int64_t rd_kafka_message_producer_id(const rd_kafka_message_t *rkmessage);
int64_t rd_kafka_message_producer_id(const rd_kafka_message_t *rkmessage) {
        return rd_kafka_message2msg((rd_kafka_message_t *)rkmessage)->rkm_u.consumer.producer_id;
}


int32_t rd_kafka_message_leader_epoch(const rd_kafka_message_t *rkmessage) {")

# How much is fetched ahead per partition can be changed while the client runs: what a process may hold is shared out among the
# partitions that it reads.
replace_once(src/rdkafka_fetcher.c
  "                   rkb->rkb_rk->rk_conf.queued_max_msg_bytes) {"
  "                   __atomic_load_n(&rkb->rkb_rk->rk_conf.queued_max_msg_bytes,
                                   __ATOMIC_RELAXED)) {")
replace_once(src/rdkafka_fetcher.c
  "                rd_kafka_buf_write_i32(rkbuf, rktp->rktp_fetch_msg_max_bytes);"
  "                rd_kafka_buf_write_i32(
                    rkbuf,
                    (int32_t)RD_MIN((int64_t)rktp->rktp_fetch_msg_max_bytes,
                                    __atomic_load_n(&rkb->rkb_rk->rk_conf
                                                         .queued_max_msg_bytes,
                                                    __ATOMIC_RELAXED)));")
replace_once(src/rdkafka_msg.c
  "rd_kafka_msg_status_t
rd_kafka_message_status(const rd_kafka_message_t *rkmessage) {"
  "void rd_kafka_set_queued_max_bytes(rd_kafka_t *rk, int64_t bytes);
void rd_kafka_set_queued_max_bytes(rd_kafka_t *rk, int64_t bytes) {
        __atomic_store_n(&rk->rk_conf.queued_max_msg_bytes, bytes, __ATOMIC_RELAXED);
}


rd_kafka_msg_status_t
rd_kafka_message_status(const rd_kafka_message_t *rkmessage) {")
