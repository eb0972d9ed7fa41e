using System.Text.Json;
using Troupe.ControlPlane.Subresources;
using Troupe.Messages.Api;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.Meta;
using Xunit;

namespace Troupe.ControlPlane.Tests.Subresources;

public class MachineCommandTests
{
    [Theory]
    [InlineData("Always", null, "Always does not support manual start requests")]
    [InlineData("Once", null, "Once does not support manual start requests")]
    [InlineData("Manual", "Running", "VM is already running")]
    [InlineData("Halted", "Scheduling", "VM is already running")]
    [InlineData("RerunOnFailure", "Failed", "RerunOnFailure does not support starting VM from failed state")]
    public void Refuses_to_start(string strategy, string? phase, string text) => Refused(MachineCommands.Start(Machine(strategy), Instance(phase), new StartOptions()), text);

    [Theory]
    [InlineData("Halted", null, "VM is not running")]
    [InlineData("Manual", null, "VM is not running")]
    [InlineData("Manual", "Succeeded", "VM is not running")]
    [InlineData("RerunOnFailure", "Failed", "VM is not running")]
    [InlineData("Halted", "Running", "Halted only supports manual stop requests with a shorter graceperiod")]
    public void Refuses_to_stop(string strategy, string? phase, string text) => Refused(MachineCommands.Stop(Machine(strategy), Instance(phase), new StopOptions()), text);

    [Theory]
    [InlineData("Halted", "Running", "RunStategy Halted does not support manual restart requests")]
    [InlineData("Once", "Running", "RunStategy Once does not support manual restart requests")]
    [InlineData("Always", null, "VM is not running: Halted")]
    public void Refuses_to_restart(string strategy, string? phase, string text) => Refused(MachineCommands.Restart(Machine(strategy), Instance(phase), new RestartOptions()), text);

    [Theory]
    [InlineData(5, "For force restart, only gracePeriod=0 is supported for now")]
    [InlineData(-1, "gracePeriod has to be greater or equal to 0")]
    public void Restart_takes_no_grace_period_but_zero(long grace, string text)
    {
        var refusal = MachineCommands.Check(new RestartOptions { GracePeriodSeconds = grace });
        Assert.Equal((400, text), (refusal!.Code, refusal.Message));
        Assert.Null(MachineCommands.Check(new RestartOptions { GracePeriodSeconds = 0 }));
    }

    [Fact]
    public void A_halted_machine_starts_by_its_strategy() => Assert.Equal(
        """[{"op":"test","path":"/spec/runStrategy","value":"Halted"},{"op":"replace","path":"/spec/runStrategy","value":"Always"}]""",
        MachineCommands.Start(Machine("Halted"), null, new StartOptions()).Change!.Machine!.ToJsonString());

    [Fact]
    public void A_machine_of_the_old_kind_is_switched_by_running()
    {
        var machine = Machine("") with { Spec = new VirtualMachineSpec { Running = true } };
        Assert.Equal("""[{"op":"test","path":"/spec/running","value":true},{"op":"replace","path":"/spec/running","value":false}]""",
            MachineCommands.Stop(machine, Instance("Running"), new StopOptions()).Change!.Machine!.ToJsonString());
    }

    [Fact]
    public void A_paused_start_is_left_to_the_controller() => Assert.Equal(
        """[{"op":"test","path":"/status/stateChangeRequests","value":null},{"op":"add","path":"/status/stateChangeRequests","value":[{"action":"Start","data":{"paused":"true"}}]}]""",
        MachineCommands.Start(Machine("Halted"), null, new StartOptions { Paused = true }).Change!.MachineStatus!.ToJsonString());

    [Fact]
    public void A_finished_instance_is_cleared_away_before_its_machine_starts() => Assert.Equal(
        """[{"action":"Stop","uid":"u1"},{"action":"Start"}]""",
        Requests(MachineCommands.Start(Machine("Manual"), Instance("Failed"), new StartOptions())));

    [Fact]
    public void A_restart_is_a_stop_and_a_start()
    {
        var decision = MachineCommands.Restart(Machine("Always"), Instance("Running"), new RestartOptions { GracePeriodSeconds = 0 });
        Assert.Equal("""[{"action":"Stop","uid":"u1"},{"action":"Start"}]""", Requests(decision));
        Assert.Equal("""[{"op":"test","path":"/spec/terminationGracePeriodSeconds","value":30},{"op":"replace","path":"/spec/terminationGracePeriodSeconds","value":1}]""",
            decision.Change!.Instance!.ToJsonString());
        Assert.Equal("""[{"op":"test","path":"/spec/terminationGracePeriodSeconds","value":1},{"op":"replace","path":"/spec/terminationGracePeriodSeconds","value":30}]""",
            decision.Change.InstanceUndo!.ToJsonString());
    }

    [Fact]
    public void A_halted_machine_that_still_runs_can_be_hurried()
    {
        var decision = MachineCommands.Stop(Machine("Halted"), Instance("Running"), new StopOptions { GracePeriod = 0 });
        Assert.Equal("""[{"action":"Stop","uid":"u1"}]""", Requests(decision));
        Assert.NotNull(decision.Change!.Instance);
    }

    [Fact]
    public void Only_a_stop_may_replace_what_waits()
    {
        var machine = Machine("Manual");
        machine = machine with { Status = machine.Status! with { StateChangeRequests = [new() { Action = "Start" }] } };
        var start = MachineCommands.Start(machine, null, new StartOptions());
        Assert.Equal((500, "Internal error occurred: unable to complete request: stop/start already underway"), (start.Refusal!.Code, start.Refusal.Message));
        Assert.Equal("""[{"action":"Stop","uid":"u1"}]""", Requests(MachineCommands.Stop(machine, Instance("Running"), new StopOptions())));
    }

    [Fact]
    public void A_machine_without_status_gets_one() => Assert.Equal(
        """[{"op":"add","path":"/status","value":{"stateChangeRequests":[{"action":"Start"}]}}]""",
        MachineCommands.Start(Machine("Manual") with { Status = null }, null, new StartOptions()).Change!.MachineStatus!.ToJsonString());

    [Fact]
    public void A_request_forgets_past_failures()
    {
        var machine = Machine("Manual") with { Status = new VirtualMachineStatus { StartFailure = new VirtualMachineStartFailure { ConsecutiveFailCount = 3 } } };
        var patch = MachineCommands.Start(machine, null, new StartOptions()).Change!.MachineStatus!;
        Assert.Equal("""{"op":"remove","path":"/status/startFailure"}""", patch[^1]!.ToJsonString());
    }

    private static string Requests(MachineDecision decision) => decision.Change!.MachineStatus![1]!["value"]!.ToJsonString();

    private static void Refused(MachineDecision decision, string text)
    {
        Assert.Null(decision.Change);
        Assert.Equal((409, "Conflict", $"Operation cannot be fulfilled on virtualmachine.kubevirt.io \"vm\": {text}"),
            (decision.Refusal!.Code, decision.Refusal.Reason, decision.Refusal.Message));
    }

    private static VirtualMachine Machine(string strategy) => new()
    {
        Metadata = new ObjectMeta
        {
            Name = "vm",
            Namespace = "default",
        },
        Spec = new VirtualMachineSpec { RunStrategy = strategy },
        Status = new VirtualMachineStatus { Created = true },
    };

    private static VirtualMachineInstance? Instance(string? phase) => phase is null ? null : JsonSerializer.Deserialize(
        $$"""{ "metadata": { "name": "vm", "uid": "u1" }, "spec": { "terminationGracePeriodSeconds": 30, "domain": {} }, "status": { "phase": "{{phase}}" } }""",
        ApiJson.Default.VirtualMachineInstance);
}
