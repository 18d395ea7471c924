-- Gone devices are few among many: to count them reads no others.
CREATE INDEX devices_deleted ON devices (tenant, setting) WHERE deleted;
