using System.Text.Json;
using Troupe.ControlPlane.Subresources;
using Troupe.Messages.Api;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Protocol.Launcher;
using Xunit;

namespace Troupe.ControlPlane.Tests.Subresources;

public class InstanceCommandTests
{
    [Theory]
    [InlineData("Scheduled", "", 409, "VM is not running")]
    [InlineData("Running", "Paused", 409, "VMI is already paused")]
    [InlineData("Running", "", 0, null)]
    public void Pause(string phase, string condition, int code, string? text) => Says(InstanceCommands.CheckPause(Instance(phase, condition)), code, text);

    [Fact]
    public void A_probe_that_would_fail_forbids_a_pause() => Says(
        InstanceCommands.CheckPause(Instance("Running", "", """{ "livenessProbe": { "tcpSocket": { "port": 22 } }, "domain": {} }""")),
        403, "Pausing VMIs with a non-GuestAgentPing LivenessProbe is not supported");

    [Theory]
    [InlineData("Succeeded", "", 409, "VMI is not running")]
    [InlineData("Running", "", 409, "VMI is not paused")]
    [InlineData("Running", "Paused", 0, null)]
    public void Unpause(string phase, string condition, int code, string? text) => Says(InstanceCommands.CheckUnpause(Instance(phase, condition)), code, text);

    [Fact]
    public void A_machine_whose_snapshot_is_taken_stays_paused()
    {
        var machine = JsonSerializer.Deserialize("""{ "metadata": { "name": "vm" }, "status": { "snapshotInProgress": "s" } }""", ApiJson.Default.VirtualMachine);
        Assert.EndsWith("VM snapshot is in progress", InstanceCommands.CheckSnapshot(machine)!.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Running", "Paused", 409, "VMI is paused")]
    [InlineData("Running", "", 409, "VMI neither have the agent connected nor the ACPI feature enabled")]
    [InlineData("Running", "AgentConnected", 0, null)]
    public void Soft_reboot_needs_an_agent_or_acpi(string phase, string condition, int code, string? text) =>
        Says(InstanceCommands.CheckSoftReboot(Instance(phase, condition, """{ "domain": { "features": { "acpi": { "enabled": false } } } }""")), code, text);

    [Theory]
    [InlineData("Scheduled", "AgentConnected", 409, "VMI is not running")]
    [InlineData("Running", "", 409, "VMI does not have guest agent connected")]
    [InlineData("Running", "AgentConnected", 0, null)]
    public void Guest_info(string phase, string condition, int code, string? text) => Says(InstanceCommands.CheckGuestInfo(Instance(phase, condition)), code, text);

    [Theory]
    [InlineData(LauncherError.None, 0, null)]
    [InlineData(LauncherError.NoDomain, 409, "VMI is not running")]
    [InlineData(LauncherError.NoGuestAgent, 409, "VMI does not have guest agent connected")]
    [InlineData(LauncherError.WrongState, 409, "VMI is already paused")]
    [InlineData(LauncherError.LibvirtFailed, 500, "Internal error occurred: broken")]
    public void What_the_launcher_says(LauncherError error, int code, string? text) =>
        Says(InstanceCommands.OutcomeOf(error, error is LauncherError.None ? null : "broken", Instance("Running", ""), new PauseDomain()), code, text);

    [Fact]
    public void A_guest_that_is_on_no_node_is_not_asked_there()
    {
        Assert.Null(InstanceCommands.CheckNode(Instance("Running", "")));
        Assert.Null(InstanceCommands.CheckNode(Instance("Scheduled", ""), new ResetDomain()));
        const string text = "Unable to connect to VirtualMachineInstance because phase is Pending instead of Running or Scheduled";
        Assert.Equal(Refusal.BadRequest(text), InstanceCommands.CheckNode(Instance("Pending", ""), new SoftRebootGuest()));
        Assert.Equal(Refusal.BadRequest($"Failed to reset non-running VMI with phase Pending: {text}"), InstanceCommands.CheckNode(Instance("Pending", ""), new ResetDomain()));
        Assert.Equal("Internal error occurred: Failed to reset non-running VMI with phase Scheduled: none",
            InstanceCommands.OutcomeOf(LauncherError.NoDomain, "none", Instance("Scheduled", ""), new ResetDomain())!.Message);
    }

    [Fact]
    public void What_was_done_is_told_by_an_event_and_a_failed_freeze_too()
    {
        Assert.Equal(("Normal", "Paused", "VirtualMachineInstance paused"), InstanceCommands.EventOf(new PauseDomain(), null));
        Assert.Equal(("Normal", "SoftRebooted", "VirtualMachineInstance soft rebooted"), InstanceCommands.EventOf(new SoftRebootGuest(), null));
        Assert.Equal(("Warning", "FreezeError", "Failed to freeze VMI: no agent"), InstanceCommands.EventOf(new FreezeGuest(5), Refusal.BadRequest("no agent")));
        Assert.Null(InstanceCommands.EventOf(new PauseDomain(), Refusal.BadRequest("broken")));
        Assert.Null(InstanceCommands.EventOf(new FreezeGuest(5), null));
    }

    [Fact]
    public void A_refusal_names_what_it_is_about_for_programs_as_well()
    {
        var details = Refusal.Conflict(Refusal.Instances, "vm", "x").Details!;
        Assert.Equal(("vm", "kubevirt.io", "virtualmachineinstance"), (details.Name, details.Group, details.Kind));
        Assert.Equal("broken", Assert.Single(Refusal.Internal("broken").Details!.Causes!).Message);
    }

    [Fact]
    public void Guest_information_as_KubeVirt_tells_it()
    {
        var agent = new GuestAgentObservation(true, "8.0", new GuestOsObservation("fedora", "Fedora", null, null, null, null, null, null))
        {
            Hostname = "guest",
            Commands = ["guest-ping"],
            Users = [new GuestUserObservation("root", null, 5)],
            Filesystems = [new GuestFilesystemObservation("vda1", "/", "ext4", 5_000_000_000, 9_000_000_000, [new GuestDiskObservation("virtio", null)])],
        };
        Assert.Equal(
            """{"kind":"VirtualMachineInstanceGuestOSUserList","apiVersion":"kubevirt.io/v1","metadata":{},"items":[{"userName":"root","loginTime":5}]}""",
            GuestDocuments.Users(agent).ToJsonString());
        var info = GuestDocuments.Info(agent);
        Assert.Equal("""{"name":"Fedora","id":"fedora"}""", info["os"]!.ToJsonString());
        Assert.Equal(5_000_000_000, (long)info["fsInfo"]!["disks"]![0]!["usedBytes"]!);
        Assert.False(info.ContainsKey("timezone"));
    }

    private static void Says(Refusal? refusal, int code, string? text)
    {
        Assert.Equal(code, refusal?.Code ?? 0);
        if (text is not null)
            Assert.EndsWith(text, refusal!.Message, StringComparison.Ordinal);
    }

    private static VirtualMachineInstance Instance(string phase, string condition, string spec = """{ "domain": {} }""")
    {
        var conditions = condition.Length == 0 ? "[]" : $$"""[{ "type": "{{condition}}", "status": "True" }]""";
        return JsonSerializer.Deserialize(
            $$"""{ "metadata": { "name": "vm", "uid": "u1" }, "spec": {{spec}}, "status": { "phase": "{{phase}}", "conditions": {{conditions}} } }""",
            ApiJson.Default.VirtualMachineInstance)!;
    }
}
