import ClusterMap
import Testing

@Suite struct CoordinatorAddressTests {
  @Test func filesAndMembersAreNamed() {
    #expect(CoordinatorAddress("file:/var/map") == .file(directory: "/var/map"))
    #expect(CoordinatorAddress("file:a:b") == .file(directory: "a:b"))
    #expect(CoordinatorAddress("etcd:http://a:2379,b:2380/") == .etcd(endpoints: ["a:2379", "b:2380"]))
    #expect(CoordinatorAddress("etcd:http://[::1]:2379") == .etcd(endpoints: ["[::1]:2379"]))
  }

  @Test(arguments: [
    "", "map", "file:", "etcd:", "etcd:http://", "etcd:a", "etcd::2379", "etcd:a:99999", "etcd:a:2379,",
    "etcd:https://a:2379", "etcd:a:2379/v3", "redis:a:6379",
  ]) func othersAreRefused(text: String) {
    #expect(CoordinatorAddress(text) == nil)
  }

  @Test(arguments: ["file:/var/map", "etcd:http://a:2379,http://b:2380"]) func itIsWrittenAsItIsRead(text: String) {
    #expect(CoordinatorAddress(text)?.description == text)
  }
}
