namespace Troupe.EndToEnd.Harness;

public static class Manifests
{
    /// <summary>The demo guest under another name: direct kernel boot, one masquerade NIC.</summary>
    public static string Demo(string name, string? node = null, string image = "registry.troupe.local/demo-guest-kernel:latest") => $$"""
        apiVersion: kubevirt.io/v1
        kind: VirtualMachineInstance
        metadata:
          name: {{name}}
        spec:
          terminationGracePeriodSeconds: 2
          {{NodeSelector(node)}}
          domain:
            memory: {guest: 128Mi}
            firmware:
              kernelBoot:
                kernelArgs: "console=ttyS0 quiet no_timer_check tsc=reliable cryptomgr.notests nokaslr"
                container: {image: "{{image}}", kernelPath: /boot/vmlinuz, initrdPath: /boot/initrd.gz}
            devices:
              rng: {}
              interfaces: [{name: default, masquerade: {} }]
          networks: [{name: default, pod: {} }]
        """;

    /// <summary>A disk without a bus is SATA's, for which the demo guest's kernel has no driver.</summary>
    public static string OnVirtio(string manifest, params string[] volumes) =>
        manifest.Replace("rng: {}", $"rng: {{}}\n      disks: [{string.Join(", ", volumes.Select(v => $"{{name: {v}, disk: {{bus: virtio}} }}"))}]", StringComparison.Ordinal);

    public static string Migration(string name, string vmi) => $$"""
        apiVersion: kubevirt.io/v1
        kind: VirtualMachineInstanceMigration
        metadata: {name: {{name}}}
        spec: {vmiName: {{vmi}}}
        """;

    private static string NodeSelector(string? node) => node is null ? "" : "nodeSelector: {kubernetes.io/hostname: " + node + "}";
}
